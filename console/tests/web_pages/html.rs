//! What holds for every page.

use std::collections::HashSet;

use scraper::{ElementRef, Selector};

pub struct Html {
    parsed: scraper::Html,
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}

fn words(element: ElementRef<'_>) -> String {
    element.text().collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[allow(dead_code, reason = "each test program uses its part")]
impl Html {
    /// Parses a page; panics if it is not well-formed, cannot be used without a mouse or eyes, or
    /// has something in it that the content security policy forbids.
    pub fn sound(text: &str, what: &str) -> Self {
        let parsed = scraper::Html::parse_document(text);
        assert!(parsed.errors.is_empty(), "{what}: {:?}\n{text}", parsed.errors);
        let html = Self { parsed };
        html.nothing_runs(what);
        html.names_are_right(what);
        html.forms_are_right(what);
        html
    }

    fn all<'a>(&'a self, query: &str) -> Vec<ElementRef<'a>> {
        self.parsed.select(&selector(query)).collect()
    }

    fn nothing_runs(&self, what: &str) {
        for element in self.all("*") {
            let name = element.value().name();
            for (attribute, value) in element.value().attrs() {
                assert!(
                    attribute != "style" && !attribute.starts_with("on"),
                    "{what}: <{name} {attribute}>"
                );
                let address = ["href", "src", "action"].contains(&attribute);
                let ours =
                    (value.starts_with('/') && !value.starts_with("//")) || value.starts_with('#');
                assert!(!address || ours, "{what}: <{name} {attribute}={value}>");
            }
            assert!(!["style", "iframe", "object", "base"].contains(&name), "{what}: <{name}>");
            assert!(
                name != "script"
                    || (element.value().attr("src").is_some() && words(element).is_empty()),
                "{what}: a script"
            );
            assert!(
                name != "img"
                    || element.value().attr("src").is_some_and(
                        |src| src.starts_with("/static/") || src.contains("/raw?path=/")
                    ),
                "{what}: an image"
            );
        }
    }

    fn names_are_right(&self, what: &str) {
        let mut ids = HashSet::new();
        for element in self.all("[id]") {
            let id = element.value().attr("id").unwrap();
            assert!(
                ids.insert(id) && !id.contains(char::is_whitespace),
                "{what}: two of the id {id:?}"
            );
        }
        for attribute in ["for", "aria-describedby", "aria-labelledby", "list"] {
            for element in self.all(&format!("[{attribute}]")) {
                let named = element.value().attr(attribute).unwrap();
                assert!(
                    named.split(' ').all(|id| ids.contains(id)),
                    "{what}: {attribute}={named:?} names nothing"
                );
            }
        }
        for one in ["h1", "main", "header nav[aria-label]", "title", "a.skip[href='#content']"] {
            assert_eq!(self.all(one).len(), 1, "{what}: {one}");
        }
        assert!(
            self.all("table")
                .iter()
                .all(|table| table.select(&selector("thead th[scope=col]")).next().is_some()),
            "{what}: a table"
        );
        assert!(
            self.all("section").iter().all(|section| {
                let named = section
                    .value()
                    .attr("aria-label")
                    .or(section.value().attr("aria-labelledby"))
                    .is_some();
                named || section.select(&selector("h2, caption")).next().is_some()
            }),
            "{what}: a section without a name"
        );
        for button in self.all("button, a") {
            assert!(!words(button).is_empty(), "{what}: a button or link without words");
        }
    }

    fn forms_are_right(&self, what: &str) {
        let labels: HashSet<&str> =
            self.all("label[for]").iter().filter_map(|label| label.value().attr("for")).collect();
        for input in self.all("input:not([type=hidden]), select, textarea") {
            let id = input.value().attr("id").unwrap_or_default();
            assert!(labels.contains(id), "{what}: {} has no label", input.html());
        }
        for secret in self.all("input[type=password]") {
            assert!(secret.value().attr("value").is_none(), "{what}: {}", secret.html());
            assert_eq!(secret.value().attr("autocomplete"), Some("new-password"), "{what}");
        }
        for form in self.all("form") {
            let posts = form.value().attr("method") == Some("post");
            assert!(posts || form.value().attr("method") == Some("get"), "{what}: {}", form.html());
            assert_eq!(
                form.select(&selector("input[type=hidden][name=csrf]")).count(),
                usize::from(posts),
                "{what}: {}",
                form.html()
            );
            assert!(
                form.select(&selector("button[type=submit]")).next().is_some(),
                "{what}: {}",
                form.html()
            );
        }
        let inside =
            self.all("form *").iter().filter(|element| element.value().name() == "form").count();
        assert_eq!(inside, 0, "{what}: a form in a form");
    }

    /// The words of the first such element.
    pub fn text(&self, query: &str) -> String {
        self.all(query)
            .first()
            .copied()
            .map_or_else(|| panic!("no {query} in {}", self.parsed.html()), words)
    }

    /// The words of all such elements.
    pub fn texts(&self, query: &str) -> Vec<String> {
        self.all(query).into_iter().map(words).collect()
    }

    /// An attribute of the first such element.
    pub fn attribute(&self, query: &str, name: &str) -> String {
        let found = self.all(query).first().and_then(|element| element.value().attr(name));
        found
            .unwrap_or_else(|| panic!("no {query} with {name} in {}", self.parsed.html()))
            .to_owned()
    }

    /// Whether there is such an element.
    pub fn has(&self, query: &str) -> bool {
        !self.all(query).is_empty()
    }

    /// The links to pages of the console.
    pub fn links(&self) -> Vec<String> {
        let links =
            self.all("main a[href^='/']").into_iter().filter_map(|link| link.value().attr("href"));
        links.filter(|link| !link.starts_with("/api/")).map(str::to_owned).collect()
    }

    /// What a form would post as it is shown.
    pub fn form(&self, query: &str) -> Vec<(String, String)> {
        let form = self.all(query).first().copied().unwrap_or_else(|| panic!("no {query}"));
        let mut fields = Vec::new();
        for input in form.select(&selector("input[name], select[name], textarea[name]")) {
            let attribute = |name: &str| input.value().attr(name);
            let kind = attribute("type").unwrap_or_default();
            if ["checkbox", "radio"].contains(&kind) && attribute("checked").is_none() {
                continue;
            }
            let value = match input.value().name() {
                "select" => input
                    .select(&selector("option[selected]"))
                    .next()
                    .and_then(|option| option.value().attr("value")),
                _ => attribute("value"),
            };
            // The newline behind a textarea's tag does not count.
            let lines = || input.text().collect::<String>().trim_start_matches('\n').to_owned();
            fields.push((
                attribute("name").unwrap().to_owned(),
                if input.value().name() == "textarea" {
                    lines()
                } else {
                    value.unwrap_or_default().to_owned()
                },
            ));
        }
        fields
    }
}
