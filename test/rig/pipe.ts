import { connect } from 'node:net';

/** Standard input and output onto a Unix socket: what `remote:` is told to start for an agent in a guest. */
const socket = connect(process.argv[2] ?? '');
process.stdin.pipe(socket).pipe(process.stdout);
socket.on('error', (thrown) => {
  process.stderr.write(`${thrown.message}\n`);
  process.exitCode = 1;
});
