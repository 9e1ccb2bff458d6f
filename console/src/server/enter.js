// Hands over the code behind the "#" of the address, and takes it out of the address and the history.
"use strict";
const form = document.getElementById("enter");
const code = location.hash.slice(1);
if (code) {
  history.replaceState(null, "", location.pathname);
  form.elements.code.value = code;
  form.submit();
}
