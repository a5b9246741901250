//! No plugin, but what one is composed with: pato:points in terms of the platform's storage.

use crate::exports::pato::points::points::Guest;
use crate::pato::platform::storage::{Bucket, StorageError};

wit_bindgen::generate!({
    path: ["../../../compositions/platform/wit", "wit"],
    world: "pato:points-in-storage/points-in-storage",
    generate_all,
});

struct Points;

fn words(error: StorageError) -> String {
    match error {
        StorageError::NotPermitted => "the storage is not permitted".into(),
        StorageError::Full(bytes) => format!("the storage is full at {bytes} bytes"),
        StorageError::Busy => "the storage is busy".into(),
    }
}

impl Guest for Points {
    fn award(user: String, points: u32) -> Result<u64, String> {
        let bucket = Bucket::open("points").map_err(words)?;
        let before = match bucket.get(&user).map_err(words)? {
            None => 0,
            Some(text) => text.parse().map_err(|_| format!("{text:?} are no points"))?,
        };
        let after = u64::saturating_add(before, points.into());
        bucket.set(&user, &after.to_string()).map_err(words)?;
        Ok(after)
    }
}

export!(Points);
