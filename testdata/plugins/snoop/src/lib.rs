//! A plugin that looks around: it reads and writes files, through the standard library, and opens
//! connections. What it is not let do, it tells.

wit_bindgen::generate!({
    path: [
        "../../../wit/wasi-0.2/io.wit",
        "../../../wit/wasi-0.2/clocks.wit",
        "../../../wit/wasi-0.2/sockets.wit",
        "../../../compositions/cli-host/wit/v0.2",
        "wit",
    ],
    world: "my:snoop/plugin",
    generate_all,
});

use std::fs;
use std::net::Ipv4Addr;

use wasi::sockets::instance_network::instance_network;
use wasi::sockets::ip_name_lookup::resolve_addresses;
use wasi::sockets::network::{IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use wasi::sockets::tcp_create_socket::create_tcp_socket;

struct Snoop;

impl Guest for Snoop {
    fn commands() -> Vec<Command> {
        [
            ("list", "Lists a folder"),
            ("read", "Reads a file"),
            ("write", "Writes a file"),
            ("resolve", "Looks up a name"),
            ("connect", "Connects to an address"),
        ]
        .map(|(name, summary)| Command { name: name.into(), summary: summary.into() })
        .into()
    }

    fn run(cmd: String, args: Vec<String>) -> Result<Output, Error> {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let done = match (cmd.as_str(), args.as_slice()) {
            ("list", [path]) => list(path),
            ("read", [path]) => fs::read_to_string(path).map_err(|why| why.to_string()),
            ("write", [path, text]) => {
                fs::write(path, text).map(|()| String::new()).map_err(|why| why.to_string())
            }
            ("resolve", [name]) => resolve(name),
            ("connect", [address, port]) => match (address.parse(), port.parse()) {
                (Ok(address), Ok(port)) => connect(address, port),
                _ => return Err(Error::Usage("connect ADDRESS PORT".into())),
            },
            ("list" | "read" | "write" | "resolve" | "connect", _) => {
                return Err(Error::Usage(format!("{cmd} ARGUMENTS...")));
            }
            _ => return Err(Error::UnknownCommand(cmd)),
        };
        match done {
            Ok(stdout) => Ok(Output { stdout, stderr: String::new(), exit_code: 0 }),
            Err(why) => Err(Error::Failed(format!("{cmd}: {why}"))),
        }
    }
}

fn list(path: &str) -> Result<String, String> {
    let mut names = String::new();
    for entry in fs::read_dir(path).map_err(|why| why.to_string())? {
        let entry = entry.map_err(|why| why.to_string())?;
        names.push_str(&entry.file_name().to_string_lossy());
        names.push('\n');
    }
    Ok(names)
}

fn resolve(name: &str) -> Result<String, String> {
    let addresses = resolve_addresses(&instance_network(), name).map_err(|why| why.to_string())?;
    addresses.subscribe().block();
    match addresses.resolve_next_address() {
        Ok(Some(IpAddress::Ipv4((a, b, c, d)))) => Ok(format!("{a}.{b}.{c}.{d}\n")),
        Ok(Some(IpAddress::Ipv6(parts))) => Ok(format!("{parts:x?}\n")),
        Ok(None) => Err("no such name".into()),
        Err(why) => Err(why.to_string()),
    }
}

fn connect(address: Ipv4Addr, port: u16) -> Result<String, String> {
    let [a, b, c, d] = address.octets();
    let address = IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (a, b, c, d) });
    let socket = create_tcp_socket(IpAddressFamily::Ipv4).map_err(|why| why.to_string())?;
    socket.start_connect(&instance_network(), address).map_err(|why| why.to_string())?;
    socket.subscribe().block();
    let (_input, output) = socket.finish_connect().map_err(|why| why.to_string())?;
    output.blocking_write_and_flush(b"hello\n").map_err(|why| why.to_string())?;
    Ok("connected\n".into())
}

export!(Snoop);
