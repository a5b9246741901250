//! No plugin, but the platform that plugins meet in smoke cases: a chat that counts, buckets in memory, and a
//! few names by which it misbehaves.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use exports::pato::platform::platform_api::{ChatError, Guest as Chat, Receipt};
use exports::pato::platform::storage::{Bucket, Guest as Storage, GuestBucket, StorageError};

wit_bindgen::generate!({
    path: ["../../../compositions/platform/wit", "wit"],
    world: "pato:stage/stage",
    generate_all,
});

struct Stage;

type Values = Rc<RefCell<BTreeMap<String, String>>>;

thread_local! {
    static SENT: Cell<u64> = const { Cell::new(0) };
    static BUCKETS: RefCell<BTreeMap<String, Values>> = const { RefCell::new(BTreeMap::new()) };
}

impl Chat for Stage {
    fn send_chat_message(_: String, channel: String, text: String) -> Result<Receipt, ChatError> {
        match channel.as_str() {
            "#attic" => return Err(ChatError::NoSuchChannel),
            "#trapdoor" => panic!("somebody fell"),
            "#carousel" => loop {
                SENT.set(SENT.get() + 1);
            },
            _ => {}
        }
        SENT.set(SENT.get() + 1);
        Ok(Receipt { id: SENT.get(), held: text.contains("spam") })
    }

    fn announce(topic: String, payload: Vec<u8>) {
        let announced = open("announced");
        announced.borrow_mut().insert(topic, String::from_utf8_lossy(&payload).into_owned());
    }
}

/// The bucket of a name, which all that open it share.
fn open(name: &str) -> Values {
    BUCKETS.with_borrow_mut(|buckets| buckets.entry(name.to_owned()).or_default().clone())
}

/// An open bucket.
struct Opened(Values);

impl Storage for Stage {
    type Bucket = Opened;
}

impl GuestBucket for Opened {
    fn open(name: String) -> Result<Bucket, StorageError> {
        match name.as_str() {
            "busy" => Err(StorageError::Busy),
            _ => Ok(Bucket::new(Opened(open(&name)))),
        }
    }

    fn get(&self, key: String) -> Result<Option<String>, StorageError> {
        Ok(self.0.borrow().get(&key).cloned())
    }

    fn set(&self, key: String, value: String) -> Result<(), StorageError> {
        let mut values = self.0.borrow_mut();
        if values.len() >= 100 {
            return Err(StorageError::Full(100));
        }
        values.insert(key, value);
        Ok(())
    }

    fn delete(&self, key: String) -> Result<(), StorageError> {
        self.0.borrow_mut().remove(&key);
        Ok(())
    }

    fn keys(&self) -> Vec<String> {
        self.0.borrow().keys().cloned().collect()
    }
}

export!(Stage);
