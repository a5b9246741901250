//! What plugtool itself answers: `wasi:config` out of the case, `wasi:keyvalue` in memory,
//! `wasi:logging`, which is kept in the trace. All of it is the same in every run: the engine's own
//! crates list keys in the order of a random seed, and give each opened bucket a copy.

use std::collections::BTreeMap;

use super::side::Asked;
use crate::config::{CONFIG, HostScript, KEYVALUE, LOGGING};
use crate::wave::Value;

/// The most that all stores hold together, in bytes of keys and values.
const MAX_STORED: usize = 4 << 20;

type Store = BTreeMap<String, Vec<u8>>;

/// The state of one run.
#[derive(Clone, Debug, Default)]
pub struct BuiltIn {
    config: BTreeMap<String, String>,
    stores: BTreeMap<String, Store>,
    stored: usize,
    /// The stores of the buckets that are open, by the names of their handles.
    open: BTreeMap<String, String>,
}

/// Why a store does not do what it is asked.
enum Refused {
    NoSuchStore,
    Other(String),
}

impl BuiltIn {
    /// What a case starts with.
    pub fn new(script: &HostScript) -> BuiltIn {
        let mut built_in =
            BuiltIn { config: script.config.clone().unwrap_or_default(), ..BuiltIn::default() };
        for (name, pairs) in script.keyvalue.iter().flatten() {
            let pairs = pairs.iter().map(|(key, text)| (key.clone(), text.clone().into_bytes()));
            let store: Store = pairs.collect();
            built_in.stored +=
                store.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
            built_in.stores.insert(name.clone(), store);
        }
        built_in
    }

    /// The answer; none for a function that returns nothing, or that plugtool does not know.
    pub fn answer(&mut self, asked: &Asked<'_>) -> Option<Value> {
        let (interface, function) = asked.function.split_once('#')?;
        if interface == LOGGING {
            return None;
        }
        if interface == CONFIG {
            return self.of_config(function, asked.args);
        }
        if !KEYVALUE.contains(&interface) {
            return None;
        }
        let args = asked.args;
        let answered = match (function, asked.on, args) {
            ("open", _, [Value::Text(name)]) => self.open(name),
            (function, Some(bucket), args) => self.method(bucket, function, args),
            (function, None, [Value::Handle(bucket), args @ ..]) => {
                self.method(bucket, function, args)
            }
            _ => return None,
        };
        Some(Value::Result(match answered {
            Ok(value) => Ok(value.map(Box::new)),
            Err(refused) => Err(Some(Box::new(match refused {
                Refused::NoSuchStore => Value::Variant("no-such-store".to_owned(), None),
                Refused::Other(reason) => {
                    Value::Variant("other".to_owned(), Some(Box::new(Value::Text(reason))))
                }
            }))),
        }))
    }

    /// The handle that an answer to `asked` opened has this name now.
    pub fn opened(&mut self, asked: &Asked<'_>, answer: &Value) {
        if let Value::Result(Ok(Some(handle))) = answer
            && let (Value::Handle(name), [Value::Text(store)]) = (&**handle, asked.args)
        {
            self.open.insert(name.clone(), store.clone());
        }
    }

    /// A handle came to its end.
    pub fn closed(&mut self, name: &str) {
        self.open.remove(name);
    }

    fn of_config(&self, function: &str, args: &[Value]) -> Option<Value> {
        let text = |text: &String| Value::Text(text.clone());
        let value = match (function, args) {
            ("get", [Value::Text(key)]) => {
                Value::Option(self.config.get(key).map(text).map(Box::new))
            }
            ("get-all", []) => {
                let pairs = self
                    .config
                    .iter()
                    .map(|(key, value)| Value::Tuple(vec![text(key), text(value)]));
                Value::List(pairs.collect(), false)
            }
            _ => return None,
        };
        Some(Value::Result(Ok(Some(Box::new(value)))))
    }

    fn open(&self, name: &str) -> Result<Option<Value>, Refused> {
        match self.stores.contains_key(name) {
            true => Ok(Some(Value::Handle("bucket".to_owned()))),
            false => Err(Refused::NoSuchStore),
        }
    }

    fn method(
        &mut self,
        bucket: &str,
        function: &str,
        args: &[Value],
    ) -> Result<Option<Value>, Refused> {
        let of_bucket = self.open.get(bucket).cloned();
        let Some(store) = of_bucket.and_then(|name| self.stores.get_mut(&name)) else {
            return Err(Refused::Other("the bucket is not open".to_owned()));
        };
        let stored = &mut self.stored;
        Ok(match (function, args) {
            ("[method]bucket.get", [Value::Text(key)]) => {
                let value = store.get(key).map(|value| Box::new(Value::Bytes(value.clone())));
                Some(Value::Option(value))
            }
            ("[method]bucket.set", [Value::Text(key), value]) => {
                set(store, stored, key, bytes(value))?;
                None
            }
            ("[method]bucket.delete", [Value::Text(key)]) => {
                delete(store, stored, key);
                None
            }
            ("[method]bucket.exists", [Value::Text(key)]) => {
                Some(Value::Bool(store.contains_key(key)))
            }
            ("[method]bucket.list-keys", [cursor]) => {
                let from = match cursor {
                    Value::Option(Some(at)) => match **at {
                        Value::Unsigned(at) => usize::try_from(at).unwrap_or(usize::MAX),
                        _ => 0,
                    },
                    _ => 0,
                };
                let keys = store.keys().skip(from).map(|key| Value::Text(key.clone()));
                Some(Value::Record(vec![
                    ("keys".to_owned(), Value::List(keys.collect(), false)),
                    ("cursor".to_owned(), Value::Option(None)),
                ]))
            }
            ("increment", [Value::Text(key), Value::Unsigned(delta)]) => {
                let before = match store.get(key) {
                    None => 0,
                    Some(value) => {
                        let text = String::from_utf8_lossy(value);
                        text.parse::<u64>().map_err(|_| {
                            Refused::Other(format!("the value of `{key}` is no number"))
                        })?
                    }
                };
                let after = before.checked_add(*delta).ok_or_else(|| {
                    Refused::Other(format!("the value of `{key}` would be too large"))
                })?;
                set(store, stored, key, after.to_string().into_bytes())?;
                Some(Value::Unsigned(after))
            }
            ("get-many", [Value::List(keys, _)]) => {
                // A key may be named often.
                let size = |key: &Value| match key {
                    Value::Text(key) => store.get(key).map_or(0, |value| key.len() + value.len()),
                    _ => 0,
                };
                let all = keys.iter().map(size).fold(0, usize::saturating_add);
                if all > MAX_STORED.max(*stored) {
                    let most = MAX_STORED >> 20;
                    return Err(Refused::Other(format!(
                        "the answer would have more than {most} MiB"
                    )));
                }
                let found = keys.iter().map(|key| {
                    let Value::Text(key) = key else { return Value::Option(None) };
                    Value::Option(store.get(key).map(|value| {
                        let pair = vec![Value::Text(key.clone()), Value::Bytes(value.clone())];
                        Box::new(Value::Tuple(pair))
                    }))
                });
                Some(Value::List(found.collect(), false))
            }
            ("set-many", [Value::List(pairs, _)]) => {
                for pair in pairs {
                    if let Value::Tuple(pair) = pair
                        && let [Value::Text(key), value] = pair.as_slice()
                    {
                        set(store, stored, key, bytes(value))?;
                    }
                }
                None
            }
            ("delete-many", [Value::List(keys, _)]) => {
                for key in keys {
                    if let Value::Text(key) = key {
                        delete(store, stored, key);
                    }
                }
                None
            }
            _ => return Err(Refused::Other(format!("plugtool does not know {function}"))),
        })
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Bytes(bytes) => bytes.clone(),
        // What is empty does not know that it is one of bytes.
        _ => Vec::new(),
    }
}

fn set(store: &mut Store, stored: &mut usize, key: &str, value: Vec<u8>) -> Result<(), Refused> {
    let before = store.get(key).map_or(0, |old| old.len() + key.len());
    let after = *stored - before + key.len() + value.len();
    if after > MAX_STORED {
        let reason = format!("the stores are full: they hold {} MiB at most", MAX_STORED >> 20);
        return Err(Refused::Other(reason));
    }
    *stored = after;
    store.insert(key.to_owned(), value);
    Ok(())
}

fn delete(store: &mut Store, stored: &mut usize, key: &str) {
    if let Some(old) = store.remove(key) {
        *stored -= old.len() + key.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the bucket open on a store of these.
    fn open<const N: usize>(pairs: [(&str, String); N]) -> BuiltIn {
        let pairs = pairs.map(|(key, value)| (key.to_owned(), value)).into();
        let script = HostScript {
            keyvalue: Some(BTreeMap::from([(String::new(), pairs)])),
            ..HostScript::default()
        };
        let mut stores = BuiltIn::new(&script);
        stores.open.insert("bucket".to_owned(), String::new());
        stores
    }

    fn many(stores: &mut BuiltIn, keys: &[&str]) -> Option<Value> {
        let keys = keys.iter().map(|key| Value::Text((*key).to_owned())).collect();
        let args = [Value::Handle("bucket".to_owned()), Value::List(keys, false)];
        let function = "wasi:keyvalue/batch@0.2.0-draft#get-many";
        stores.answer(&Asked { function, on: None, params: &["bucket", "keys"], args: &args })
    }

    /// A key may be named twice; what it has cannot be had a thousand times at once.
    #[test]
    fn an_answer_is_no_larger_than_what_is_stored() {
        let text = |size| "x".repeat(size);
        let pairs = [("a", text(3 << 20)), ("b", text(1000)), ("c", text(1000))];
        let mut stores = open(pairs);
        let answered = |answer| matches!(answer, Some(Value::Result(Ok(_))));
        assert!(answered(many(&mut stores, &["a", "b", "c", "d"])));
        assert!(answered(many(&mut stores, &["b", "b", "b"])));
        let refused = many(&mut stores, &["a", "a"]);
        assert_eq!(
            crate::wave::in_short(&refused.expect("an answer")),
            r#"err(other("the answer would have more than 4 MiB"))"#
        );
        // What a case begins with may be more.
        let pairs = [("a", text(3 << 20)), ("b", text(3 << 20))];
        let mut stores = open(pairs);
        assert!(answered(many(&mut stores, &["a", "b"])));
        assert!(!answered(many(&mut stores, &["a", "b", "a"])));
    }
}
