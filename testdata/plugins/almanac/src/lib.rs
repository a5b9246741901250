//! A plugin whose functions wait: on the clock, on a stream that somebody reads, on each other.

wit_bindgen::generate!({
    path: [
        "../../../wit/wasi-0.3/clocks.wit",
        "../../../wit/wasi-0.3/filesystem.wit",
        "../../../wit/wasi-0.3/random.wit",
        "../../../wit/wasi-0.3/sockets.wit",
        "../../../wit/wasi-0.3/cli.wit",
        "wit",
    ],
    world: "my:almanac/plugin",
    generate_all,
});

use exports::my::almanac::api::Guest;
use wasi::cli::stdout;
use wasi::clocks::monotonic_clock::{now, wait_for};
use wit_bindgen::{FutureReader, StreamReader, spawn_local};

struct Almanac;

const MILLI: u64 = 1_000_000;

fn since(start: u64) -> u32 {
    u32::try_from((now() - start) / MILLI).unwrap_or(u32::MAX)
}

impl Guest for Almanac {
    async fn nap(millis: u32) -> u32 {
        let start = now();
        wait_for(u64::from(millis) * MILLI).await;
        since(start).min(millis)
    }

    async fn naps(times: u32, millis: u32) -> u32 {
        let start = now();
        for _ in 0..times {
            spawn_local(wait_for(u64::from(millis) * MILLI));
        }
        wait_for(u64::from(millis) * MILLI).await;
        since(start).min(millis.saturating_mul(times.max(1)))
    }

    async fn join(parts: Vec<String>, between: String) -> Result<String, String> {
        if parts.is_empty() { Err("no parts".to_owned()) } else { Ok(parts.join(&between)) }
    }

    async fn say(text: String, times: u32) -> Result<(), ()> {
        let (mut to, from) = wit_stream::new();
        let done = stdout::write_via_stream(from);
        for _ in 0..times {
            if !to.write_all(text.clone().into_bytes()).await.is_empty() {
                break;
            }
        }
        drop(to);
        done.await.map_err(|_| ())
    }

    async fn echo(bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    fn count(to: u32) -> StreamReader<u32> {
        let (mut numbers, reader) = wit_stream::new();
        spawn_local(async move {
            for number in 1..=to {
                if numbers.write_one(number).await.is_some() {
                    return;
                }
            }
        });
        reader
    }

    fn later(text: String) -> FutureReader<String> {
        let (writer, reader) = wit_future::new(String::new);
        spawn_local(async move {
            let _ = writer.write(text).await;
        });
        reader
    }

    async fn never() {
        // It waits for a writer that is kept, and never writes.
        let (writer, mut reader) = wit_stream::new::<u8>();
        reader.next().await;
        drop(writer);
    }

    async fn break_(millis: u32) {
        wait_for(u64::from(millis) * MILLI).await;
        core::arch::wasm32::unreachable();
    }
}

export!(Almanac);
