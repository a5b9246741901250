// A plugin of the first contract in JavaScript: joins its arguments and reverses the text by characters.

export function run(args) {
  // The error of a function's result is thrown.
  if (args.length === 0) throw 'reverse TEXT...';
  return [...args.join(' ')].reverse().join('');
}
