import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { app } from 'electron';
import { packageRoot, rigPlaces, runDirectory, scenarioDirectory } from './commands/places.ts';
import { startConsole } from './console/start.ts';
import { BenchService } from './service/benchService.ts';

/** The door of the Electron app: the bench of this process, and one window onto it. */
startConsole({
  service: new BenchService({
    runs: runDirectory(process.env),
    scenarios: scenarioDirectory(),
    places: rigPlaces(process.env),
    now: Date.now,
  }),
  // From out/main/index.js.
  built: fileURLToPath(new URL('..', import.meta.url)),
  icon: join(packageRoot(), 'resources', 'icon', 'icon.png'),
  developmentUrl: app.isPackaged ? undefined : process.env['ELECTRON_RENDERER_URL'],
});
