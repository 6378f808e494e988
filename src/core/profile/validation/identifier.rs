//! The form of names in the configuration: of objects, columns, keys and links.

/// A name of this configuration: `kafka-provisioning-latency`.
pub fn is_key(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// A name of a namespace, a container, a deployment or a secret, as Kubernetes takes it.
pub fn is_object_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_key)
}

/// A table or a column that needs no quotes. It becomes part of a query, so nothing else is let in.
pub fn is_column(text: &str) -> bool {
    let first = text.bytes().next();
    first.is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && text.len() <= 63
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A label selector of equalities: `app=name`, `app=name,tier!=test`.
pub fn is_selector(text: &str) -> bool {
    let word = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
    };
    text.split(',').all(
        |term| match term.split_once("!=").or_else(|| term.split_once('=')) {
            Some((key, value)) => word(key) && word(value.strip_prefix('=').unwrap_or(value)),
            None => false,
        },
    )
}

/// A link without user and password.
pub fn is_link(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let plain = |rest: &str| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or("");
        !host.is_empty() && !host.contains('@')
    };
    rest.is_some_and(plain) && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What judges, what is good, what is bad.
    type Case = (fn(&str) -> bool, &'static [&'static str], &'static [&'static str]);

    #[test]
    fn names_are_told_from_what_could_do_harm() {
        let cases: [Case; 5] = [
            (is_key, &["a", "osd-2"], &["", "-a", "a-", "A", "a b", "a_b"]),
            (is_object_name, &["a", "db.host"], &["", ".a", "a..b", "A", "a/b"]),
            (
                is_column,
                &["clusters", "_x", "a2"],
                &["", "2a", "a-b", "a\"b", "a;drop", "A", "a b"],
            ),
            (
                is_selector,
                &["app=x", "a=b,c!=d", "k8s.io/a==b"],
                &["", "app", "app=", "=x", "a=b,", "a in (b)"],
            ),
            (
                is_link,
                &["https://a/b?c=d", "http://a:80"],
                &["", "a", "ftp://a", "https://", "https://u:p@a", "https://a b"],
            ),
        ];
        for (is_name, good, bad) in cases {
            let wrong = |name: &&&str| !is_name(name);
            assert_eq!(good.iter().find(wrong), None);
            assert_eq!(bad.iter().find(|name| is_name(name)), None);
        }
    }
}
