import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot, runDirectory } from '../../src-main/commands/places.ts';
import { startConsole } from '../../src-main/console/start.ts';
import { ConsolePageHost } from './consolePageHost.ts';

/** The Electron app as src-main/index.ts starts it, but with the big rig; bundled into out/bench of a built app. */
const service = new ConsolePageHost(
  runDirectory(process.env),
  Number(process.env['RECOVERY_BENCH_FUNCTIONS'] ?? 0),
);
// Where the bench finds it, through Playwright.
Object.assign(globalThis, { consolePageHost: service });
startConsole({
  service,
  built: fileURLToPath(new URL('..', import.meta.url)),
  icon: join(packageRoot(), 'resources', 'icon', 'icon.png'),
  developmentUrl: undefined,
});
