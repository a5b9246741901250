//! A plugin of pato:platform that draws lots and knows the time, which it has from WASI 0.2.8.

use std::cell::Cell;

use crate::exports::pato::platform::plugin::{Event, Guest, Outcome, Permission, PluginError};
use crate::pato::platform::platform_api;
use crate::wasi::clocks::{monotonic_clock, wall_clock};
use crate::wasi::random::random;

wit_bindgen::generate!({
    path: "../../../compositions/platform/wit",
    world: "pato:platform/platform-plugin",
    generate_all,
});

struct Dice;

thread_local! {
    /// When the plugin was started, in nanoseconds of the monotonic clock.
    static STARTED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// 1 to 6, each as likely as the others.
fn roll() -> u64 {
    const SIDES: u64 = 6;
    loop {
        let random = random::get_random_u64();
        // What lies above the last multiple would favour the low numbers.
        if random < u64::MAX - u64::MAX % SIDES {
            return random % SIDES + 1;
        }
    }
}

impl Guest for Dice {
    fn permissions() -> Vec<Permission> {
        vec![Permission::Chat, Permission::Clock, Permission::Random]
    }

    fn init(settings: Vec<(String, String)>) -> Result<(), PluginError> {
        if let Some((name, _)) = settings.into_iter().next() {
            return Err(PluginError::BadSetting((name, "there are no settings".into())));
        }
        STARTED.set(Some(monotonic_clock::now()));
        Ok(())
    }

    fn handle_event(event: Event) -> Result<Outcome, PluginError> {
        let started = STARTED.get().ok_or(PluginError::NotRunning)?;
        let Event::Message(message) = event else { return Ok(Outcome::Ignored) };
        let text = match message.text.as_str() {
            "!dice" => format!("{} rolls {}", message.author, roll()),
            "!time" => format!("{} s since 1970", wall_clock::now().seconds),
            "!uptime" => {
                format!("{} s", monotonic_clock::now().saturating_sub(started) / 1_000_000_000)
            }
            _ => return Ok(Outcome::Ignored),
        };
        platform_api::send_chat_message(&message.platform, &message.channel, &text)
            .map_err(|error| PluginError::Refused(format!("{error:?}")))?;
        Ok(Outcome::Handled)
    }

    fn shutdown() {
        STARTED.set(None);
    }
}

export!(Dice);
