//! What a request asks for: target, verb, query, and the form of the answer.

use http::request::Parts;
use http::{Method, header};

use super::status::Refusal;

/// An object or collection named by a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Empty for core.
    pub group: String,
    /// `v1`.
    pub version: String,
    /// Empty for all namespaces and for cluster-wide objects.
    pub namespace: String,
    /// As `pods`.
    pub plural: String,
    /// Empty for a collection.
    pub name: String,
    /// As `log`; empty for the object itself.
    pub subresource: String,
}

impl Target {
    /// The target of a path; `None` for discovery, `/version` and the like.
    pub fn of(path: &str) -> Option<Target> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            // A namespace lies in itself, as authorisation sees it.
            ["namespaces", namespace] => (*namespace, rest),
            _ => ("", rest),
        };
        let plural = rest.first()?;
        let part = |index: usize| rest.get(index).copied().unwrap_or_default().to_owned();
        Some(Target {
            group: group.to_owned(),
            version: version.to_owned(),
            namespace: namespace.to_owned(),
            plural: (*plural).to_owned(),
            name: part(1),
            subresource: part(2),
        })
    }

    /// `pods/log`.
    pub fn resource_path(&self) -> String {
        if self.subresource.is_empty() {
            self.plural.clone()
        } else {
            format!("{}/{}", self.plural, self.subresource)
        }
    }
}

/// The query of a request. Empty pairs (`?&limit=1`) are skipped.
#[derive(Clone, Debug, Default)]
pub struct UrlQuery(Vec<(String, String)>);

impl UrlQuery {
    /// Parses and decodes.
    pub fn of(query: Option<&str>) -> Self {
        let pairs = query
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(key, value)| (decode(key), decode(value)))
                .collect(),
        )
    }

    /// The value of a parameter that is there and not empty.
    pub fn get(&self, key: &str) -> Option<&str> {
        let pair = self
            .0
            .iter()
            .find(|(name, value)| name == key && !value.is_empty());
        pair.map(|(_, value)| value.as_str())
    }

    /// All values of a parameter, empty ones too.
    pub fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        let own = self.0.iter().filter(move |(name, _)| name == key);
        own.map(|(_, value)| value.as_str())
    }

    /// A number, if it is there and one.
    pub fn number<N: std::str::FromStr>(&self, key: &str) -> Option<N> {
        self.get(key)?.parse().ok()
    }

    /// Whether a switch is on: any value but `0` and `false` switches it on, also none.
    pub fn is_on(&self, key: &str) -> bool {
        let pair = self.0.iter().find(|(name, _)| name == key);
        pair.is_some_and(|(_, value)| value != "0" && !value.eq_ignore_ascii_case("false"))
    }
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escaped = bytes
            .get(index + 1..index + 3)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        match (
            bytes[index],
            escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()),
        ) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                index += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        index += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The form in which objects are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The objects themselves.
    Objects,
    /// Only their metadata.
    Metadata,
    /// Rows for printing.
    Table,
}

/// The first form the client accepts that can be given.
pub fn form(parts: &Parts) -> Form {
    let accept = parts
        .headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    for media_type in accept.unwrap_or_default().split(',') {
        let mut fields = media_type.split(';').map(str::trim);
        if fields.next() != Some("application/json") {
            continue;
        }
        match fields.find_map(|field| field.strip_prefix("as=")) {
            Some("Table") => return Form::Table,
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Form::Metadata,
            Some(_) => {}
            None => return Form::Objects,
        }
    }
    Form::Objects
}

/// Refuses a request that accepts nothing this server can give; streams and logs have forms of their own.
pub fn check_accept(parts: &Parts, target: &Target) -> Result<(), Refusal> {
    let accept = parts
        .headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else {
        return Ok(());
    };
    let has_own_form = !matches!(target.subresource.as_str(), "" | "scale" | "status");
    let mut types = accept
        .split(',')
        .map(|one| one.split(';').next().unwrap_or_default().trim());
    if has_own_form || types.any(|one| matches!(one, "application/json" | "application/*" | "*/*")) {
        return Ok(());
    }
    Err(Refusal::not_acceptable("application/json"))
}

/// The verb as roles name it.
pub fn verb(method: &Method, target: &Target, query: &UrlQuery) -> &'static str {
    let named = !target.name.is_empty();
    match *method {
        Method::GET | Method::HEAD if named => "get",
        Method::GET | Method::HEAD if query.is_on("watch") => "watch",
        Method::GET | Method::HEAD => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if named => "delete",
        Method::DELETE => "deletecollection",
        _ => "get",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_group_namespace_resource_name_and_subresource() {
        let target = Target::of("/apis/apps/v1/namespaces/n/deployments/d/scale").unwrap();
        assert_eq!(
            (
                target.group.as_str(),
                target.namespace.as_str(),
                target.name.as_str()
            ),
            ("apps", "n", "d")
        );
        assert_eq!(target.resource_path(), "deployments/scale");
        assert_eq!(Target::of("/api/v1/pods").unwrap().namespace, "");
        let namespace = Target::of("/api/v1/namespaces/n").unwrap();
        assert_eq!(
            (namespace.plural.as_str(), namespace.name.as_str()),
            ("namespaces", "n")
        );
        assert_eq!(Target::of("/version"), None);
        assert_eq!(Target::of("/apis/apps/v1"), None);
    }

    #[test]
    fn a_query_may_begin_with_an_empty_pair_and_is_decoded() {
        let query = UrlQuery::of(Some("&limit=5&labelSelector=app%3Da%2Cb+c&empty="));
        assert_eq!(query.number::<u64>("limit"), Some(5));
        assert_eq!(query.get("labelSelector"), Some("app=a,b c"));
        assert_eq!(query.get("empty"), None);
    }

    #[test]
    fn the_first_acceptable_form_wins() {
        let form_of = |accept: &str| {
            let request = http::Request::builder()
                .header("accept", accept)
                .body(())
                .unwrap();
            form(&request.into_parts().0)
        };
        assert_eq!(
            form_of("application/json;as=Table;v=v1;g=meta.k8s.io,application/json"),
            Form::Table
        );
        assert_eq!(
            form_of("application/vnd.kubernetes.protobuf,application/json"),
            Form::Objects
        );
        assert_eq!(
            form_of("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"),
            Form::Metadata
        );
        assert_eq!(form_of("*/*"), Form::Objects);
    }
}
