//! The keys about HTTP as they are written.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::{HostPattern, HttpCase, HttpFailure, HttpReply, HttpRequest, HttpRule, Outside};
use crate::config::parse::Source;
use crate::config::schema::{self, apart};
use crate::config::{CaseFile, ConfigError};
use crate::input;

/// The keys about HTTP of a case, or of the file for all its cases.
#[derive(Debug, Default)]
pub struct HttpKeys {
    pub request: Option<Spanned<RequestTable>>,
    pub expect: Option<Spanned<ExpectTable>>,
    pub http: Vec<Spanned<RuleTable>>,
    pub allowed_hosts: Option<Vec<Spanned<String>>>,
}

/// A request that is sent to a handler.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Request", extend("dependencies" = apart(&[("body-file", &["body"])])))]
pub struct RequestTable {
    /// Its method, in capitals; GET where it is left out.
    #[schemars(with = "Option<schema::Method>")]
    method: Option<Spanned<String>>,
    /// Its scheme; http where it is left out.
    #[schemars(with = "Option<schema::Scheme>")]
    scheme: Option<Spanned<String>>,
    /// The host that it is sent to, with or without a port; localhost where it is left out.
    #[schemars(with = "Option<String>")]
    authority: Option<Spanned<String>>,
    /// Its path, with the query.
    #[schemars(with = "String", regex(pattern = "^/"))]
    path: Spanned<String>,
    /// Its headers.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Values>")]
    headers: IndexMap<Spanned<String>, Spanned<Values>>,
    /// Its body.
    #[schemars(with = "Option<String>")]
    body: Option<Spanned<String>>,
    /// The file, beside this one, that is its body.
    #[schemars(with = "Option<String>")]
    body_file: Option<Spanned<String>>,
}

/// What the answer to a request must be.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Answer", extend("dependencies" = apart(&[("body-file", &["body"])])))]
pub struct ExpectTable {
    /// Its status; 200 where it is left out.
    #[schemars(with = "Option<schema::Status>")]
    status: Option<Spanned<u16>>,
    /// The headers that it must have, others aside; `_` is any value.
    #[schemars(with = "BTreeMap<String, Values>")]
    headers: IndexMap<Spanned<String>, Spanned<Values>>,
    /// Its body; anything where it is left out.
    #[schemars(with = "Option<String>")]
    body: Option<Spanned<String>>,
    /// The file, beside this one, with its body.
    #[schemars(with = "Option<String>")]
    body_file: Option<Spanned<String>>,
}

/// What a plugin gets when it sends a request itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "HttpRule", extend("dependencies" = apart(&[
    ("body-file", &["body"]),
    ("fails", &["status", "body", "body-file"]),
])))]
pub struct RuleTable {
    /// The method that it answers, in capitals; any where it is left out.
    #[schemars(with = "Option<schema::Method>")]
    method: Option<Spanned<String>>,
    /// The URL that it answers, in which `*` is any text.
    #[schemars(with = "String", regex(pattern = "^https?://"))]
    url: Spanned<String>,
    /// The status of its answer; 200 where it is left out.
    #[schemars(with = "Option<schema::Status>")]
    status: Option<Spanned<u16>>,
    /// The headers of its answer.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Values>")]
    headers: IndexMap<Spanned<String>, Spanned<Values>>,
    /// The body of its answer.
    #[schemars(with = "Option<String>")]
    body: Option<Spanned<String>>,
    /// The file, beside this one, that is the body of its answer.
    #[schemars(with = "Option<String>")]
    body_file: Option<Spanned<String>>,
    /// How the request fails instead, in the words of `wasi:http`.
    #[schemars(with = "Option<HttpFailure>")]
    fails: Option<Spanned<HttpFailure>>,
    /// How often it answers, which is checked; as often as it is asked where it is left out.
    #[schemars(with = "Option<u64>")]
    times: Option<Spanned<u64>>,
}

/// One value of a header, or all of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Values {
    One(String),
    All(Vec<String>),
}

impl Values {
    fn all(self) -> Vec<String> {
        match self {
            Values::One(value) => vec![value],
            Values::All(values) => values,
        }
    }
}

/// A smoke file, to read keys of.
pub struct Reader<'r> {
    pub source: Source<'r>,
    /// Where the files are that it names.
    pub folder: &'r Path,
}

impl HttpKeys {
    /// Where the request, or what is expected of it, begins.
    pub fn first(&self) -> Option<Range<usize>> {
        let spans =
            [self.request.as_ref().map(Spanned::span), self.expect.as_ref().map(Spanned::span)];
        spans.into_iter().flatten().min_by_key(|span| span.start)
    }

    /// Where the first rule for requests of plugins begins, or the first host that they may talk to.
    pub fn first_rule(&self) -> Option<Range<usize>> {
        let rules = self.http.iter().map(Spanned::span);
        rules.chain(self.allowed_hosts.iter().flatten().map(Spanned::span)).next()
    }

    /// The request of a case with what is expected.
    pub fn case(&mut self, reader: &Reader<'_>) -> Result<Option<HttpCase>, ConfigError> {
        let (request, expect) = match (self.request.take(), self.expect.take()) {
            (None, None) => return Ok(None),
            (None, Some(expect)) => {
                let message =
                    "what is expected here is the answer to a `request`, and there is none";
                return Err(reader.source.error(expect.span(), message));
            }
            (Some(request), expect) => {
                (request.into_inner(), expect.map(Spanned::into_inner).unwrap_or_default())
            }
        };
        let (mut head, body) = request.settle(reader)?;
        let named = |name: &str| head.headers.iter().any(|(known, _)| known == name);
        if !body.is_empty() && !named("content-length") {
            head.headers.push(("content-length".to_owned(), body.len().to_string()));
        }
        let mut headers = Vec::new();
        for (name, values) in expect.headers {
            let name = reader.header(&name)?;
            let values = values.into_inner().all();
            let any = values.iter().any(|value| value == "_");
            headers.push((name, (!any).then_some(values)));
        }
        Ok(Some(HttpCase {
            request: head,
            body,
            status: expect.status.map(|status| reader.status(&status)).transpose()?.unwrap_or(200),
            headers,
            expected: reader.body(expect.body, expect.body_file)?,
        }))
    }

    /// What there is beyond the host: the rules of the case before those of its file.
    pub fn outside(
        self,
        shared: &HttpKeys,
        reader: &Reader<'_>,
        files: &mut Vec<CaseFile>,
    ) -> Result<Outside, ConfigError> {
        let mut outside = Outside::default();
        for host in
            self.allowed_hosts.as_ref().or(shared.allowed_hosts.as_ref()).into_iter().flatten()
        {
            let pattern = HostPattern::parse(host.get_ref())
                .map_err(|message| reader.source.error(host.span(), message))?;
            outside.allowed.push(pattern);
        }
        for rule in self.http.into_iter().chain(shared.http.iter().cloned()) {
            outside.rules.push(rule.into_inner().settle(&outside, reader, files)?);
        }
        Ok(outside)
    }
}

impl RequestTable {
    fn settle(self, reader: &Reader<'_>) -> Result<(HttpRequest, Arc<[u8]>), ConfigError> {
        let method = self.method.map(|method| reader.method(&method)).transpose()?;
        let scheme = match &self.scheme {
            None => "http",
            Some(scheme) if scheme.get_ref() == "http" => "http",
            Some(scheme) if scheme.get_ref() == "https" => "https",
            Some(scheme) => {
                let message = "the scheme is \"http\" or \"https\"";
                return Err(reader.source.error(scheme.span(), message));
            }
        };
        let authority = self.authority.as_ref().map_or("localhost", |name| name.get_ref());
        if let Some(name) = &self.authority
            && authority.parse::<http::uri::Authority>().is_err()
        {
            let message = "this is no host, with or without a port";
            return Err(reader.source.error(name.span(), message));
        }
        let path = self.path.get_ref().clone();
        if !path.starts_with('/') || path.parse::<http::uri::PathAndQuery>().is_err() {
            let message =
                "a path begins with a slash, and what has no place in a URL is escaped in it";
            return Err(reader.source.error(self.path.span(), message));
        }
        let request = HttpRequest {
            method: method.unwrap_or_else(|| "GET".to_owned()),
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            path,
            headers: reader.headers(self.headers)?,
        };
        Ok((request, reader.body(self.body, self.body_file)?.unwrap_or_default()))
    }
}

impl RuleTable {
    fn settle(
        self,
        outside: &Outside,
        reader: &Reader<'_>,
        files: &mut Vec<CaseFile>,
    ) -> Result<HttpRule, ConfigError> {
        let error = |span, message: &str| Err(reader.source.error(span, message));
        let url = self.url.get_ref();
        let Some((scheme, rest)) =
            url.split_once("://").filter(|(s, _)| ["http", "https"].contains(s))
        else {
            return error(self.url.span(), "a URL begins with http:// or https://");
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if !rest.contains('/') && !rest.ends_with('*') {
            return error(self.url.span(), "there is a slash behind the host, at least");
        }
        if let Ok(known) = authority.parse::<http::uri::Authority>()
            && !authority.contains('*')
            && !outside.allows(scheme == "https", known.host(), known.port_u16())
        {
            let message = "`allowed-hosts` does not have this host: nothing would ever get there";
            return error(self.url.span(), message);
        }
        let answers = [
            self.status.as_ref().map(Spanned::span),
            self.body.as_ref().map(Spanned::span),
            self.body_file.as_ref().map(Spanned::span),
            self.headers.keys().next().map(Spanned::span),
        ];
        let reply = match (self.fails, answers.into_iter().flatten().next()) {
            (Some(_), Some(span)) => return error(span, "what fails has no answer"),
            (Some(failure), None) => HttpReply::Failure(failure.into_inner()),
            (None, _) => {
                let body = reader.body(self.body, self.body_file)?.map(|bytes| {
                    files.push(CaseFile { path: String::new(), bytes });
                    files.len() - 1
                });
                let status = self.status.map(|status| reader.status(&status)).transpose()?;
                let headers = reader.headers(self.headers)?;
                HttpReply::Response { status: status.unwrap_or(200), headers, body }
            }
        };
        let place = reader.source.place(self.url.span());
        Ok(HttpRule {
            method: self.method.map(|method| reader.method(&method)).transpose()?,
            url: url.clone(),
            reply,
            times: self.times.map(Spanned::into_inner),
            place: format!("{}:{}", place.file, place.line),
        })
    }
}

impl Reader<'_> {
    fn method(&self, method: &Spanned<String>) -> Result<String, ConfigError> {
        let name = method.get_ref();
        match Method::from_bytes(name.as_bytes()) {
            // Methods are told apart by case, and `get` is not GET.
            Ok(known) if !name.contains(|c: char| c.is_ascii_lowercase()) => Ok(known.to_string()),
            _ => {
                Err(self.source.error(method.span(), "write a method in capitals, as in \"POST\""))
            }
        }
    }

    fn status(&self, status: &Spanned<u16>) -> Result<u16, ConfigError> {
        let known = StatusCode::from_u16(*status.get_ref()).is_ok_and(|s| !s.is_informational());
        match known {
            true => Ok(*status.get_ref()),
            false => Err(self
                .source
                .error(status.span(), "a status is a number from 200 on, below 1000")),
        }
    }

    /// The name of a header, in lower case.
    fn header(&self, name: &Spanned<String>) -> Result<String, ConfigError> {
        match HeaderName::from_bytes(name.get_ref().as_bytes()) {
            Ok(name) => Ok(name.as_str().to_owned()),
            Err(_) => Err(self.source.error(name.span(), "this is no name of a header")),
        }
    }

    fn headers(
        &self,
        table: IndexMap<Spanned<String>, Spanned<Values>>,
    ) -> Result<Vec<(String, String)>, ConfigError> {
        let mut headers = Vec::new();
        for (name, values) in table {
            let name = self.header(&name)?;
            let span = values.span();
            for value in values.into_inner().all() {
                if HeaderValue::from_str(&value).is_err() {
                    return Err(self.source.error(span, "a header cannot have this value"));
                }
                headers.push((name.clone(), value));
            }
        }
        Ok(headers)
    }

    fn body(
        &self,
        text: Option<Spanned<String>>,
        file: Option<Spanned<String>>,
    ) -> Result<Option<Arc<[u8]>>, ConfigError> {
        match (text, file) {
            (None, None) => Ok(None),
            (Some(text), None) => Ok(Some(text.into_inner().into_bytes().into())),
            (Some(_), Some(file)) => {
                let message = "`body` is there already; use one of them";
                Err(self.source.error(file.span(), message))
            }
            (None, Some(file)) => input::file(&self.folder.join(file.get_ref()))
                .map(|bytes| Some(Arc::from(bytes)))
                .map_err(|error| self.source.error(file.span(), &error.to_string())),
        }
    }
}
