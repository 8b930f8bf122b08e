import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { failure, success, type Result } from '../core/result.ts';
import { build, buildState, pageFolder } from '../door/builtPage.ts';
import { onEndingSignal } from '../door/endingSignals.ts';
import { openDoor } from '../door/door.ts';
import { openInBrowser } from '../door/openInBrowser.ts';
import { describeWait } from '../door/openWaits.ts';
import { BenchService } from '../service/benchService.ts';
import { whatQuittingDoes } from '../service/quitting.ts';
import { fail, type CommandContext } from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { writeJson, type Streams } from './output.ts';
import { packageRoot, rigPlaces, runDirectory, scenarioDirectory } from './places.ts';

export interface ServeOptions {
  readonly port: string;
  readonly runs?: string;
  readonly journal: boolean;
  readonly page?: string;
  readonly open?: boolean;
  readonly json?: boolean;
}

const parsePort = (text: string): Result<number> => {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65_535
    ? success(port)
    : failure('malformedInput', `The port "${text}" is no whole number from 0 to 65535.`);
};

/** The folder of the page. The built one is made when it was never built; one that is stale is served as it is. */
const findPage = async (chosen: string | undefined, { err }: Streams): Promise<Result<string>> => {
  if (chosen !== undefined) {
    return existsSync(join(chosen, 'index.html'))
      ? success(chosen)
      : failure('malformedInput', `There is no page in ${chosen}: it has no index.html.`);
  }
  const root = packageRoot();
  const state = buildState(root);
  if (state === 'stale') err('The sources are newer than the console; "npm run build" builds it anew.\n');
  if (state === 'missing') {
    err('Building the console, once …\n');
    const built = await build(root);
    if (!built.ok) return built;
  }
  return success(pageFolder(root));
};

/** `rbench serve`: the bench, and a door to it, until the person ends them. */
export const serveConsole = async (context: CommandContext, options: ServeOptions): Promise<ExitCode> => {
  const { streams } = context;
  const json = options.json === true;
  const port = parsePort(options.port);
  if (!port.ok) return fail(context, port.error, json);
  const page = await findPage(options.page, streams);
  if (!page.ok) return fail(context, page.error, json);
  const service = new BenchService({
    runs: options.journal ? (options.runs ?? runDirectory(context.environment)) : null,
    scenarios: scenarioDirectory(),
    places: rigPlaces(context.environment),
    now: context.now,
  });
  const started = await service.start();
  if (!started.ok) return fail(context, started.error, json);
  const door = await openDoor({ service, page: page.value, port: port.value });
  if (!door.ok) {
    await service.close();
    return fail(context, door.error, json);
  }
  // Listening comes before the line: whoever reads it may send a signal at once.
  let ignoreSignals = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    ignoreSignals = onEndingSignal(
      () => resolve(),
      () => process.exit(exitCode.rigTrouble),
    );
  });
  const { url } = door.value;
  if (json) writeJson(streams, { type: 'serving', url, port: door.value.port });
  else streams.out(`Recovery Bench: ${url}   (Ctrl+C ends it)\n`);
  const forget =
    options.open === true ? openInBrowser(url, (why) => streams.err(`No browser: ${why}\n`)) : null;
  await ended;
  forget?.();
  for (const wait of service.waits()) {
    if (json) writeJson(streams, { type: 'openWait', ...wait, consequence: whatQuittingDoes(wait.protocol) });
    else streams.out(`${describeWait(wait)}\n`);
  }
  await door.value.close();
  await service.close();
  ignoreSignals();
  if (json) writeJson(streams, { type: 'ended' });
  else streams.out('Ended.\n');
  return exitCode.asExpected;
};
