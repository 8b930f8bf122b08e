import { openDoor } from '../../src-main/door/door.ts';
import { ConsolePageHost, type StormReport } from './consolePageHost.ts';

/** What this process says to the bench that started it. */
export type ServerWord =
  | { readonly kind: 'serving'; readonly url: string }
  | { readonly kind: 'armed' }
  | { readonly kind: 'storm'; readonly report: StormReport };

/** What the bench wants of it. */
export type ServerOrder = { readonly kind: 'arm' } | { readonly kind: 'storm'; readonly seconds: number };

/** The big rig before the browser door, in a process of its own: `consolePageServer.ts <runs> <functions> <page>`. */
const [runs = '', functions = '', page = ''] = process.argv.slice(2);
const say = (word: ServerWord): void => void process.send?.(word);

const host = new ConsolePageHost(runs, Number(functions));
await host.start();
const door = await openDoor({ service: host, page, port: 0 });
if (!door.ok) throw new Error(door.error.message);
process.on('message', (order: ServerOrder) => {
  if (order.kind === 'arm') void host.arm().then(() => say({ kind: 'armed' }));
  else void host.storm(order.seconds).then((report) => say({ kind: 'storm', report }));
});
process.on('disconnect', () => {
  void door.value
    .close()
    .then(() => host.close())
    .then(() => process.exit(0));
});
say({ kind: 'serving', url: door.value.url });
