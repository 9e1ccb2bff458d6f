// What makes pages livelier. Everything also works without it.
'use strict';

// Times: the server writes UTC, the browser knows its zone. They have the server's form: 2026-06-01 02:30 UTC.
const parts = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZoneName: 'short',
});
function absolute(at) {
  const of = Object.fromEntries(parts.formatToParts(at).map((part) => [part.type, part.value]));
  return `${of.year}-${of.month}-${of.day} ${of.hour}:${of.minute} ${of.timeZoneName}`;
}
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

function relative(seconds) {
  const size = Math.abs(seconds);
  const [count, unit] = size < 10 ? [0, ''] : size < 90 ? [size, 'second'] : size < 5400 ? [size / 60, 'minute']
    : size < 129600 ? [size / 3600, 'hour'] : [size / 86400, 'day'];
  if (!unit) return 'now';
  const whole = Math.round(count);
  const text = `${whole} ${unit}${whole === 1 ? '' : 's'}`;
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

function showTimes(root) {
  for (const element of root.querySelectorAll('time[datetime]')) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const text = element.dataset.show === 'relative' ? relative((at - Date.now()) / 1000) : absolute(at);
    if (element.textContent !== text) element.textContent = text;
    element.title = exact.format(at);
  }
}

// How long something runs: [data-since]. It ticks, whatever the server says.
function elapsed(seconds) {
  const two = (first, one, second, other) => (second ? `${first} ${one} ${second} ${other}` : `${first} ${one}`);
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return two(Math.floor(whole / 60), 'min', whole % 60, 's');
  if (whole < 86400) return two(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min');
  return two(Math.floor(whole / 86400), 'd', Math.floor((whole % 86400) / 3600), 'h');
}

function tick() {
  for (const element of document.querySelectorAll('[data-since]')) {
    element.textContent = elapsed((Date.now() - new Date(element.dataset.since)) / 1000);
  }
}

function set(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

// How far a task is: the words are the server's.
function showProgress(element, task) {
  if (task.progress) set(element.querySelector('[data-progress]'), task.progress);
  const detail = task.progress_detail;
  if (!detail) return;
  const bar = element.querySelector('[data-bar]');
  if (bar && detail.percent === null) bar.removeAttribute('value');
  else if (bar) bar.value = detail.percent;
  set(element.querySelector('[data-percent]'), detail.percent === null ? '' : `${detail.percent} %`);
  for (const part of element.querySelectorAll('[data-detail]')) {
    const text = detail[part.dataset.detail];
    set(part, text);
    if (part.classList.contains('alert')) part.hidden = !text;
  }
  const facts = element.querySelector('.detail');
  if (facts) facts.hidden = !detail.phase;
  const paths = element.querySelector('[data-paths]');
  paths?.replaceChildren(...detail.paths.map((path) => {
    const line = document.createElement('li');
    line.className = 'break';
    line.textContent = path;
    return line;
  }));
}

// A running task: [data-task] holds its id, [data-progress] in it says how far it is, [data-log] is its log. When its state
// changes it is announced, and the page is shown anew.
async function follow(element) {
  const announce = element.querySelector('[data-announce]');
  const log = element.querySelector('[data-log]');
  const every = Number(element.dataset.every || 1000);
  let announced = Date.now();
  for (let wait = 0; ; await sleep(wait)) {
    wait = Math.max(wait, every);
    if (!element.isConnected) return;
    if (document.hidden) continue;
    const task = log ? await readLog(log) : await ask(`/api/tasks/${element.dataset.task}`);
    if (task === undefined) return;
    // The server is away, or busy: it is asked less often.
    wait = task ? every : Math.min(wait * 2, 30000);
    if (!task) continue;
    showProgress(element, task);
    // A screen reader would not get to the end of a line that changes every second.
    if (announce && Date.now() - announced > 15000) {
      announce.textContent = task.progress;
      announced = Date.now();
    }
    if (task.state !== element.dataset.state) return showAnew(`${task.about}: ${task.state}. ${task.verdict}`);
  }
}

// What the API says: null if it cannot be asked now, undefined if it never will.
async function ask(address) {
  const answer = await fetch(address, { headers: { accept: 'application/json' } }).catch(() => null);
  // Signed out: the page leads to the entrance.
  if (answer?.status === 401 || answer?.status === 403) return location.reload();
  if (answer?.status === 404) return undefined;
  return answer?.ok ? answer.json().catch(() => null) : null;
}

// Reads a log from where it was read to last, and gives its task.
async function readLog(log) {
  for (;;) {
    const part = await ask(`${log.dataset.log}?offset=${log.dataset.offset}`);
    if (!part) return part;
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 30;
    log.append(part.text);
    log.dataset.offset = String(part.next);
    if (atEnd) log.scrollTop = log.scrollHeight;
    if (!part.more) return part.task;
  }
}

// How to find what has the focus again in a page that is drawn anew: by its id, else by what it does and says. What is gone leaves the focus
// at the head of the content, not at the top of the page.
function whereabouts(element, main) {
  if (!element || !main.contains(element)) return null;
  if (element.id) return (fresh) => fresh.ownerDocument.getElementById(element.id) ?? fresh;
  const does = (one) => [one.tagName, one.getAttribute('href') ?? '', one.form?.getAttribute('action') ?? '', one.textContent.trim()].join();
  const same = (root) => [...root.querySelectorAll(element.tagName)].filter((one) => does(one) === does(element));
  const place = same(main).indexOf(element);
  return (fresh) => same(fresh)[place] ?? fresh;
}

// The page as it is now, in the place of what is shown: without a reload, so that a screen reader tells the outcome.
let renewing = false;
async function showAnew(outcome) {
  set(document.querySelector('[data-outcome]'), outcome);
  if (edited || renewing) return renewing || reload();
  renewing = true;
  const answer = await fetch(location.href).catch(() => null);
  renewing = false;
  if (!answer?.ok || answer.redirected) return reload();
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const [main, fresh] = [document.querySelector('main'), page.querySelector('main')];
  if (!fresh) return reload();
  const focused = whereabouts(document.activeElement, main);
  document.title = page.title;
  main.replaceChildren(...fresh.childNodes);
  focused?.(main)?.focus({ preventScroll: true });
  enliven();
}

// Not while somebody fills in a form: then a link says that there is news.
let edited = false;
function reload() {
  if (!edited) return location.reload();
  const notice = document.createElement('p');
  notice.className = 'notice';
  notice.setAttribute('role', 'status');
  const link = document.createElement('a');
  link.href = location.href;
  link.textContent = 'There is news. Load the page again';
  notice.append(link);
  document.querySelector('main').prepend(notice);
}

const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));

setInterval(() => showTimes(document), 15000);
setInterval(tick, 1000);
document.addEventListener('input', () => { edited = true; });
// The notice is for once, not for each time the page is loaded again.
if (new URLSearchParams(location.search).has('notice')) {
  const address = new URL(location.href);
  address.searchParams.delete('notice');
  history.replaceState(null, '', address);
}
// One click is enough.
document.addEventListener('submit', (event) => {
  const buttons = event.target.method === 'post' ? [...event.target.querySelectorAll('button')] : [];
  const set = (disabled) => buttons.forEach((button) => { button.disabled = disabled; });
  setTimeout(set, 0, true);
  setTimeout(set, 8000, false);
});
addEventListener('pageshow', (event) => {
  if (event.persisted) for (const button of document.querySelectorAll('button:disabled')) button.disabled = false;
});
// What the server is still at: [data-again]. Once its page has that no more, it is loaded again.
async function askAgain(element) {
  const shown = element.querySelector('[data-progress]');
  for (;;) {
    await sleep(1000);
    if (!element.isConnected) return;
    if (document.hidden) continue;
    const answer = await fetch(location.href).catch(() => null);
    if (!answer) continue;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (!page.querySelector('[data-again]')) return reload();
    const progress = page.querySelector('[data-again] [data-progress]');
    if (shown && progress) shown.textContent = progress.textContent;
  }
}
// A whole id on the clipboard, where one is allowed to.
function offerCopy(button) {
  if (!navigator.clipboard) return;
  button.hidden = false;
  const text = button.firstChild;
  button.addEventListener('click', async () => {
    const done = await navigator.clipboard.writeText(button.dataset.copy).then(() => 'Copied', () => 'Not copied');
    text.data = done;
    setTimeout(() => { text.data = 'Copy'; }, 1500);
  });
}

// On a narrow screen a table is laid out as blocks, which takes the roles from its parts.
const ROLES = { TABLE: 'table', THEAD: 'rowgroup', TBODY: 'rowgroup', TR: 'row', TD: 'cell' };
function keepRoles(table) {
  for (const part of [table, ...table.querySelectorAll('thead, tbody, tr, td, th')]) {
    const role = ROLES[part.tagName] ?? (part.scope === 'row' ? 'rowheader' : 'columnheader');
    part.setAttribute('role', role);
  }
}

// A document in the browser's own viewer. One without a viewer would save it, unasked.
function showDocument(place) {
  if (!navigator.pdfViewerEnabled) return;
  const frame = document.createElement('iframe');
  frame.className = 'document';
  frame.title = place.dataset.title;
  frame.src = place.dataset.document;
  place.before(frame);
}

// What of a page lives, once it is there.
function enliven() {
  const all = (selector, begin) => document.querySelectorAll(selector).forEach(begin);
  all('table', keepRoles);
  showTimes(document);
  tick();
  all('[data-task]', follow);
  all('[data-again]', askAgain);
  all('[data-log]', (log) => {
    if (!log.closest('[data-task]')) readLog(log);
    log.scrollTop = log.scrollHeight;
  });
  all('button[data-copy]', offerCopy);
  all('[data-document]', showDocument);
}
enliven();
// The first fault is where one has to go on.
document.querySelector('[aria-invalid="true"]')?.focus();

// The next runs of a schedule, while its form is filled in; and the browser's own time zone to choose.
for (const preview of document.querySelectorAll('[data-preview]')) {
  const form = preview.closest('form');
  let asked = 0;
  const show = async () => {
    const fields = new URLSearchParams(new FormData(form));
    fields.delete('csrf');
    const number = ++asked;
    await sleep(150);
    if (number !== asked) return;
    const answer = await fetch(`${preview.dataset.preview}?${fields}`).catch(() => null);
    if (!answer || !answer.ok || number !== asked) return;
    // The server's own page, with everything escaped.
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    preview.replaceChildren(...page.body.childNodes);
    showTimes(preview);
  };
  form.addEventListener('input', show);
  form.querySelector('button[name=preview]')?.remove();
  const zone = form.elements.time_zone;
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && here && here !== zone.value) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'plain use-zone';
    button.textContent = `Use ${here}, the zone of this browser`;
    button.addEventListener('click', () => { zone.value = here; button.remove(); show(); zone.focus(); });
    zone.after(button);
  }
}

// The list of a folder is narrowed while one types; what is on other pages a search finds.
for (const box of document.querySelectorAll('[data-filter]')) {
  const input = box.querySelector('input');
  const said = box.querySelector('[role=status]');
  const rows = document.querySelectorAll('.entries tbody tr');
  box.hidden = false;
  input.addEventListener('input', () => {
    const text = input.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !(row.querySelector('.name')?.textContent ?? '').toLowerCase().includes(text);
      if (!row.hidden) shown += 1;
    }
    said.textContent = text === '' ? '' : `${shown} of ${rows.length} on this page`;
  });
}
