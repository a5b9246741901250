//! A plugin of pato:platform that greets whoever asks for it, and counts points for it. The points are not
//! its own: it imports pato:points, which the host composes around it.

use std::cell::RefCell;

use crate::exports::pato::platform::plugin::{Event, Guest, Outcome, Permission, PluginError};
use crate::pato::platform::platform_api::{self, ChatError};
use crate::pato::points::points;

wit_bindgen::generate!({
    path: ["../../../compositions/platform/wit", "wit"],
    world: "pato:greeter-bot/greeter-bot",
    generate_all,
});

struct Greeter;

/// Where the user's name goes.
const USER: &str = "{user}";

thread_local! {
    /// The greeting, while the plugin runs.
    static GREETING: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn plural(points: u64) -> String {
    let ending = if points == 1 { "" } else { "s" };
    format!("{points} point{ending}")
}

impl Guest for Greeter {
    fn permissions() -> Vec<Permission> {
        vec![Permission::Chat, Permission::Storage, Permission::Events]
    }

    fn init(settings: Vec<(String, String)>) -> Result<(), PluginError> {
        let mut greeting = format!("hello {USER}");
        for (name, value) in settings {
            match name.as_str() {
                "greeting" if value.contains(USER) => greeting = value,
                "greeting" => {
                    return Err(PluginError::BadSetting((name, format!("without {USER}"))));
                }
                _ => return Err(PluginError::BadSetting((name, "there is no such".into()))),
            }
        }
        GREETING.set(Some(greeting));
        Ok(())
    }

    fn handle_event(event: Event) -> Result<Outcome, PluginError> {
        let greeting = GREETING.with_borrow(Clone::clone).ok_or(PluginError::NotRunning)?;
        match event {
            Event::Message(message) if message.text == "!hello" => {
                let points = points::award(&message.author, 1).map_err(PluginError::Refused)?;
                let greeting = greeting.replace(USER, &message.author);
                let text = format!("{greeting}, you have {}", plural(points));
                platform_api::send_chat_message(&message.platform, &message.channel, &text)
                    .map_err(|error| {
                        PluginError::Refused(match error {
                            ChatError::NoSuchChannel => format!("no channel {}", message.channel),
                            ChatError::TooFast(seconds) => format!("wait {seconds} s"),
                            ChatError::NotPermitted => "no chat".into(),
                        })
                    })?;
            }
            Event::Followed(follow) => {
                let points = points::award(&follow.user, 10).map_err(PluginError::Refused)?;
                let text = format!("{} has {}", follow.user, plural(points));
                platform_api::announce("points", text.as_bytes());
            }
            _ => return Ok(Outcome::Ignored),
        }
        Ok(Outcome::Handled)
    }

    fn shutdown() {
        GREETING.set(None);
    }
}

export!(Greeter);
