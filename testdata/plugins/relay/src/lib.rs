//! A command of WASI 0.3, which has streams where 0.2 has handles to poll: what comes in goes out.
//!
//!   relay [OPTION]...
//!     --err          to standard error, and not to standard output
//!     --from FILE    not standard input, but a file of a granted folder
//!     --into FILE    into a new file of a granted folder
//!     --splice       without looking at it: one stream is the other
//!     --fill N       N bytes of a pattern, and no input
//!     --args         the arguments behind it, a line each
//!     --env          the environment, a line each
//!     --nap MILLIS   sleeps first, and says so
//!     --ask          asks while it waits for the answer, and repeats that
//!     --exit N       exits with this code in the end
//!     --fail         returns an error in the end
//!     --trap         traps in the end

wit_bindgen::generate!({
    path: [
        "../../../wit/wasi-0.3/clocks.wit",
        "../../../wit/wasi-0.3/filesystem.wit",
        "../../../wit/wasi-0.3/random.wit",
        "../../../wit/wasi-0.3/sockets.wit",
        "../../../wit/wasi-0.3/cli.wit",
        "wit",
    ],
    world: "my:relay/command",
    generate_all,
});

use exports::wasi::cli::run::Guest;
use wasi::cli::types::ErrorCode;
use wasi::cli::{environment, exit, stderr, stdin, stdout};
use wasi::clocks::monotonic_clock;
use wasi::filesystem::preopens::get_directories;
use wasi::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};
use wit_bindgen::{FutureReader, StreamReader, StreamResult, StreamWriter};

/// How much is read at a time.
const CHUNK: usize = 64 << 10;

struct Relay;

/// Why it stops, and with which code.
struct Stop(String, u8);

#[derive(Default)]
struct Options {
    err: bool,
    from: Option<String>,
    into: Option<String>,
    splice: bool,
    fill: Option<usize>,
    nap: Option<u64>,
    ask: bool,
    exit: Option<u8>,
    fail: bool,
    trap: bool,
    lines: Option<Vec<String>>,
}

fn options(args: Vec<String>) -> Result<Options, Stop> {
    let mut options = Options::default();
    let mut args = args.into_iter().skip(1);
    let wrong = |what: &str| Stop(format!("relay: what is {what}?\n"), 2);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| wrong(&arg));
        match arg.as_str() {
            "--err" => options.err = true,
            "--from" => options.from = Some(value()?),
            "--into" => options.into = Some(value()?),
            "--splice" => options.splice = true,
            "--fill" => options.fill = Some(value()?.parse().map_err(|_| wrong(&arg))?),
            "--nap" => options.nap = Some(value()?.parse().map_err(|_| wrong(&arg))?),
            "--ask" => options.ask = true,
            "--exit" => options.exit = Some(value()?.parse().map_err(|_| wrong(&arg))?),
            "--fail" => options.fail = true,
            "--trap" => options.trap = true,
            "--args" => options.lines = Some(args.by_ref().collect()),
            "--env" => {
                let variables = environment::get_environment().into_iter();
                options.lines = Some(variables.map(|(k, v)| format!("{k}={v}")).collect());
            }
            _ => return Err(wrong(&arg)),
        }
    }
    Ok(options)
}

type Done = FutureReader<Result<(), ErrorCode>>;

/// Where the output goes.
fn open(err: bool) -> (StreamWriter<u8>, Done) {
    let (writer, reader) = wit_stream::new();
    (writer, send(err, reader))
}

fn send(err: bool, reader: StreamReader<u8>) -> Done {
    if err { stderr::write_via_stream(reader) } else { stdout::write_via_stream(reader) }
}

fn wrote(done: Result<(), ErrorCode>) -> Result<(), Stop> {
    done.map_err(|error| match error {
        ErrorCode::Pipe => Stop("relay: nobody reads it\n".to_owned(), 3),
        _ => Stop("relay: it cannot be written\n".to_owned(), 4),
    })
}

/// The granted folder that a path is in, and the rest of it.
fn place(path: &str) -> Option<(Descriptor, String)> {
    get_directories().into_iter().find_map(|(folder, name)| {
        let rest = path.strip_prefix(&name)?;
        let rest = rest.strip_prefix('/').or(name.ends_with('/').then_some(rest))?;
        Some((folder, rest.to_owned()))
    })
}

async fn open_file(path: &str, new: bool) -> Result<Descriptor, Stop> {
    let no = |why: String| Stop(format!("relay: {path}: {why}\n"), 1);
    let (folder, rest) = place(path).ok_or_else(|| no("no such folder".to_owned()))?;
    let (how, rights) = match new {
        true => (OpenFlags::CREATE | OpenFlags::EXCLUSIVE, DescriptorFlags::WRITE),
        false => (OpenFlags::empty(), DescriptorFlags::READ),
    };
    let opened = folder.open_at(PathFlags::empty(), rest, how, rights).await;
    opened.map_err(|error| no(format!("{error:?}")))
}

/// Everything that a stream has, as it comes.
async fn copy(mut from: StreamReader<u8>, to: &mut StreamWriter<u8>) {
    let mut buffer = Vec::with_capacity(CHUNK);
    loop {
        buffer.clear();
        let (result, read) = from.read(buffer).await;
        let left = to.write_all(read).await;
        if !left.is_empty() || !matches!(result, StreamResult::Complete(_)) {
            return;
        }
        buffer = left;
    }
}

async fn relay(options: &Options) -> Result<(), Stop> {
    if let Some(millis) = options.nap {
        let before = monotonic_clock::now();
        monotonic_clock::wait_for(millis * 1_000_000).await;
        let slept = (monotonic_clock::now() - before) / 1_000_000;
        let (mut to, done) = open(options.err);
        let said = if slept >= millis { "slept\n" } else { "woke too early\n" };
        to.write_all(said.as_bytes().to_vec()).await;
        drop(to);
        wrote(done.await)?;
    }
    if options.ask {
        let (mut input, _) = stdin::read_via_stream();
        let (mut to, done) = open(options.err);
        let answer = input.read(Vec::with_capacity(CHUNK));
        let ((_, mut answer), _) = futures::join!(answer, to.write_all(b"name? ".to_vec()));
        answer.splice(0..0, *b"hello ");
        to.write_all(answer).await;
        drop(to);
        return wrote(done.await);
    }
    if let Some(lines) = &options.lines {
        let (mut to, done) = open(options.err);
        to.write_all(lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()).await;
        drop(to);
        return wrote(done.await);
    }
    if let Some(size) = options.fill {
        let (mut to, done) = open(options.err);
        let block: Vec<u8> = (0..CHUNK).map(|i| b'a' + (i % 26) as u8).collect();
        let mut rest = size;
        while rest > 0 {
            let now = rest.min(CHUNK);
            if !to.write_all(block[..now].to_vec()).await.is_empty() {
                break;
            }
            rest -= now;
        }
        drop(to);
        return wrote(done.await);
    }
    // The file must stay open while its stream is read.
    let mut file = None;
    let input = match &options.from {
        Some(path) => file.insert(open_file(path, false).await?).read_via_stream(0).0,
        None => stdin::read_via_stream().0,
    };
    if let Some(path) = &options.into {
        let to = open_file(path, true).await?;
        let written = to.write_via_stream(input, 0).await;
        return written.map_err(|error| Stop(format!("relay: {path}: {error:?}\n"), 1));
    }
    if options.splice {
        return wrote(send(options.err, input).await);
    }
    let (mut to, done) = open(options.err);
    copy(input, &mut to).await;
    drop(to);
    wrote(done.await)
}

impl Guest for Relay {
    async fn run() -> Result<(), ()> {
        let (mut fail, mut trap, mut code) = (false, false, None);
        let ended = match options(environment::get_arguments()) {
            Ok(options) => {
                (fail, trap, code) = (options.fail, options.trap, options.exit);
                relay(&options).await
            }
            Err(stop) => Err(stop),
        };
        if let Err(Stop(message, status)) = ended {
            let (mut to, done) = open(true);
            to.write_all(message.into_bytes()).await;
            drop(to);
            let _ = done.await;
            exit::exit_with_code(status);
        }
        if trap {
            core::arch::wasm32::unreachable();
        }
        if let Some(code) = code {
            exit::exit_with_code(code);
        }
        if fail { Err(()) } else { Ok(()) }
    }
}

export!(Relay);
