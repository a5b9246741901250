//! HTTP in smoke cases: a request that is sent to a handler with what must come of it, and rules that
//! answer the requests of plugins, none of which ever leave this machine.

mod keys;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use keys::{ExpectTable, HttpKeys, Reader, RequestTable, RuleTable};

/// A request to a handler, with what must come of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpCase {
    /// The request.
    pub request: HttpRequest,
    /// Its body.
    pub body: Arc<[u8]>,
    /// The status that the answer must have.
    pub status: u16,
    /// The headers that it must have, others aside: names in lower case with all values, none for any.
    pub headers: Vec<(String, Option<Vec<String>>)>,
    /// The body that it must have; anything where that is left out.
    pub expected: Option<Arc<[u8]>>,
}

/// The head of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// `GET` and the like.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// The host that it is sent to, with its port where that is not the scheme's own.
    pub authority: String,
    /// The path, with the query.
    pub path: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
}

/// What there is beyond the host for plugins that send requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// The hosts that a plugin may talk to; a request to any other is refused.
    pub allowed: Vec<HostPattern>,
    /// What answers, the first that fits and is not used up.
    pub rules: Vec<HttpRule>,
}

/// `example.com`, `example.com:8080`, `*.example.com`, or `*` for any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPattern {
    /// In lower case, without the port.
    name: String,
    /// The port; that of the scheme where there is none.
    port: Option<u16>,
}

/// Answers requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRule {
    /// The method that it answers; any where there is none.
    pub method: Option<String>,
    /// The URL that it answers, in which `*` is any text.
    pub url: String,
    /// What it answers.
    pub reply: HttpReply,
    /// How often it answers, which is then what is demanded; as often as asked where there is none.
    pub times: Option<u64>,
    /// Where it stands: file and line.
    pub place: String,
}

/// What a rule answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HttpReply {
    /// A response.
    Response {
        /// Its status.
        status: u16,
        /// Its headers.
        headers: Vec<(String, String)>,
        /// Its body: which of the files of the case.
        body: Option<usize>,
    },
    /// The request fails on its way.
    Failure(HttpFailure),
}

/// How a request fails, in the words of `wasi:http`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "wasi:http/types, error-code")]
pub enum HttpFailure {
    DnsTimeout,
    DestinationNotFound,
    DestinationUnavailable,
    ConnectionRefused,
    ConnectionTerminated,
    ConnectionTimeout,
    ConnectionReadTimeout,
    TlsProtocolError,
    TlsCertificateError,
    HttpResponseIncomplete,
    HttpResponseTimeout,
    HttpProtocolError,
}

impl HttpRequest {
    /// The request target as a URL.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority, self.path)
    }
}

impl HostPattern {
    /// Reads a pattern. The error says what is wrong with it.
    fn parse(text: &str) -> Result<HostPattern, &'static str> {
        if text.contains("://") {
            return Err("write the host alone, as in \"example.com\"");
        }
        let (name, port) = match text.rsplit_once(':') {
            // Brackets end an address of IPv6, whose colons are its own.
            Some((name, port)) if !port.ends_with(']') => {
                (name, Some(port.parse().map_err(|_| "what follows the colon is no port")?))
            }
            _ => (text, None),
        };
        let plain = name.strip_prefix("*.").unwrap_or(name);
        if name != "*" && (plain.is_empty() || plain.contains(['*', '/', '@', ' '])) {
            return Err(
                "write a host, as in \"example.com\", \"example.com:8080\" or \"*.example.com\"",
            );
        }
        Ok(HostPattern { name: name.to_ascii_lowercase(), port })
    }

    /// Whether a host of this name and port is meant; `usual` is the port of the scheme.
    pub fn matches(&self, host: &str, port: u16, usual: u16) -> bool {
        let host = host.to_ascii_lowercase();
        let named = match self.name.strip_prefix('*') {
            Some(rest) => host.len() > rest.len() && host.ends_with(rest),
            None => host == self.name,
        };
        // Any host is any port of it, too.
        let any = self.name == "*" && self.port.is_none();
        named && (any || self.port.unwrap_or(usual) == port)
    }
}

impl Outside {
    /// Whether a plugin may talk to this host.
    pub fn allows(&self, https: bool, host: &str, port: Option<u16>) -> bool {
        let usual = if https { 443 } else { 80 };
        self.allowed.iter().any(|pattern| pattern.matches(host, port.unwrap_or(usual), usual))
    }
}

impl HttpRule {
    /// Whether it is for such a request.
    pub fn is_for(&self, method: &str, url: &str) -> bool {
        self.method.as_deref().is_none_or(|own| own == method) && fits(&self.url, url)
    }
}

/// Whether a text is what a pattern means, in which `*` is any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_urls_have_stars_for_any_text() {
        for (pattern, text, expected) in [
            ("http://a/", "http://a/", true),
            ("http://a/", "http://a/b", false),
            ("http://a/*", "http://a/b/c?d=1", true),
            ("http://a/*/c", "http://a/b/c", true),
            ("http://a/*/c", "http://a/c", false),
            ("http://a/*b*b", "http://a/b", false),
            ("http://a/*b*b", "http://a/bb", true),
            ("*", "", true),
            ("http://a/b*", "http://a/b", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_host_is_allowed_with_its_port_and_never_by_its_ending_alone() {
        let allows = |pattern: &str, https, host, port| {
            let allowed = vec![HostPattern::parse(pattern).expect("a pattern")];
            Outside { allowed, rules: Vec::new() }.allows(https, host, port)
        };
        assert!(allows("example.com", true, "Example.COM", None));
        assert!(allows("example.com", false, "example.com", Some(80)));
        assert!(!allows("example.com", true, "example.com", Some(80)));
        assert!(allows("example.com:8080", true, "example.com", Some(8080)));
        assert!(!allows("example.com:8080", true, "example.com", None));
        assert!(!allows("example.com", true, "notexample.com", None));
        assert!(!allows("example.com", true, "www.example.com", None));
        assert!(allows("*.example.com", true, "www.example.com", None));
        assert!(!allows("*.example.com", true, "example.com", None));
        assert!(!allows("*.example.com", true, ".example.com", None));
        assert!(!allows("*.example.com", true, "wwwexample.com", None));
        assert!(allows("*", false, "anything", Some(99)));
        assert!(allows("[::1]:99", false, "[::1]", Some(99)));
        assert!(allows("[::1]", false, "[::1]", None));
        for wrong in ["", "a/b", "http://a", "a:b", "a*b", "*.", "user@a"] {
            assert!(HostPattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
