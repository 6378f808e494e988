//! A database URL as an argument or a setting: what it may hold, and how it is shown.

/// Whether it is a PostgreSQL URL at all.
pub(super) fn is_postgres(url: &str) -> bool {
    ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

/// Whether it holds a password, before the host or among the parameters.
pub(super) fn has_password(url: &str) -> bool {
    let in_user = user_part(url).is_some_and(|(user, _)| user.contains(':'));
    in_user || parameters(url).any(is_secret)
}

/// The URL without its password. A password may hold any sign, so everything up to the last `@` counts as user and password:
/// rather too much is hidden than too little.
pub fn without_password(url: &str) -> String {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    let shown = match user_part(url) {
        Some((user, rest)) => {
            let name = user.split(':').next().unwrap_or("");
            format!("{scheme}://{name}@{rest}")
        }
        None => url.to_owned(),
    };
    let Some((head, _)) = shown.split_once('?') else {
        return shown;
    };
    let open: Vec<&str> = parameters(&shown)
        .filter(|parameter| !is_secret(parameter))
        .collect();
    if open.is_empty() {
        head.to_owned()
    } else {
        format!("{head}?{}", open.join("&"))
    }
}

/// What stands before the last `@`, and what after it.
fn user_part(url: &str) -> Option<(&str, &str)> {
    url.split_once("://")?.1.rsplit_once('@')
}

fn parameters(url: &str) -> impl Iterator<Item = &str> {
    url.split_once('?')
        .map_or("", |(_, query)| query)
        .split('&')
        .filter(|parameter| !parameter.is_empty())
}

fn is_secret(parameter: &str) -> bool {
    let key = parameter.split('=').next().unwrap_or("").to_ascii_lowercase();
    key.contains("pass")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_found_and_never_shown() {
        let cases = [
            (
                "postgres://oncall@db:5432/x",
                false,
                "postgres://oncall@db:5432/x",
            ),
            (
                "postgres://db/x?sslmode=require",
                false,
                "postgres://db/x?sslmode=require",
            ),
            ("postgres://oncall:pw@db/x", true, "postgres://oncall@db/x"),
            ("postgresql://o:p/w:@ %@db/x?a=b", true, "postgresql://o@db/x?a=b"),
            ("postgres://o:p?w@db/x", true, "postgres://o@db/x"),
            ("postgres://db/x?password=pw&a=b", true, "postgres://db/x?a=b"),
            ("postgres://db/x?PassWord=pw", true, "postgres://db/x"),
        ];
        for (url, has, shown) in cases {
            assert_eq!(has_password(url), has, "{url}");
            assert_eq!(without_password(url), shown, "{url}");
        }
    }
}
