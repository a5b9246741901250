// What greet is in Rust, in JavaScript: two commands of my:cli/plugin@0.2.0.

const summaries = { greet: 'Greets each name', shout: 'Greets each name, loudly' };

export function commands() {
  return Object.entries(summaries).map(([name, summary]) => ({ name, summary }));
}

export function run(cmd, args) {
  // The error of a function's result is thrown.
  if (!Object.hasOwn(summaries, cmd)) throw { tag: 'unknown-command', val: cmd };
  if (args.length === 0) throw { tag: 'usage', val: `${cmd} NAME...` };
  const stdout = args.map((name) => `hello ${name}\n`).join('');
  return { stdout: cmd === 'shout' ? stdout.toUpperCase() : stdout, stderr: '', exitCode: 0 };
}
