//! What the entries of a folder are ordered by.

use plakar_driver::{Order, OrderBy};

/// How a folder is shown first.
const DEFAULT_ORDER: Order = Order { by: OrderBy::Name, descending: false };

/// A column, and the address of the list ordered by it.
pub struct SortColumn {
    /// Its name.
    pub name: &'static str,
    /// By this column, or the other way round if it is by it already.
    pub href: String,
    /// `ascending`, `descending`, or empty.
    pub sorted: &'static str,
}

/// The order that an address names, or the first one.
pub fn parse(text: &str) -> Order {
    let (descending, by) = text.strip_prefix('-').map_or((false, text), |by| (true, by));
    match by {
        "size" => Order { by: OrderBy::Size, descending },
        "modified" => Order { by: OrderBy::Modified, descending },
        _ => Order { by: OrderBy::Name, descending },
    }
}

/// What names an order in an address that has a query.
pub fn sorting(order: Order) -> String {
    let by = match order.by {
        OrderBy::Size => "size",
        OrderBy::Modified => "modified",
        OrderBy::Name | OrderBy::Stored => "name",
    };
    let last_first = if order.descending { "-" } else { "" };
    if order == DEFAULT_ORDER { String::new() } else { format!("&sort={last_first}{by}") }
}

/// The columns that a folder can be ordered by; `base` is its address.
pub fn columns(base: &str, order: Order) -> Vec<SortColumn> {
    let columns =
        [(OrderBy::Name, "Name"), (OrderBy::Size, "Size"), (OrderBy::Modified, "Modified")];
    let column = |(by, name)| {
        let this = order.by == by;
        // Of sizes and times one looks for the greatest first.
        let descending = if this { !order.descending } else { by != OrderBy::Name };
        let sorted = match (this, order.descending) {
            (false, _) => "",
            (true, false) => "ascending",
            (true, true) => "descending",
        };
        SortColumn { name, href: format!("{base}{}", sorting(Order { by, descending })), sorted }
    };
    columns.map(column).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_comes_back_from_its_address() {
        for text in ["", "-name", "size", "-size", "modified", "-modified"] {
            let query = sorting(parse(text));
            assert_eq!(query.strip_prefix("&sort=").unwrap_or_default(), text);
        }
        let columns = columns("/x?path=/", parse("-size"));
        let seen: Vec<_> =
            columns.iter().map(|column| (column.href.as_str(), column.sorted)).collect();
        assert_eq!(
            seen,
            [
                ("/x?path=/", ""),
                ("/x?path=/&sort=size", "descending"),
                ("/x?path=/&sort=-modified", "")
            ]
        );
    }
}
