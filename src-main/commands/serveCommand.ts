import type { Command } from 'commander';
import { finish, type CommandContext } from './context.ts';
import type { ServeOptions } from './serveConsole.ts';

export const addServeCommand = (program: Command, context: CommandContext): void => {
  program
    .command('serve')
    .description('serve the console to a browser on this machine, until Ctrl+C')
    .option('--port <number>', 'a port of 127.0.0.1; 0 takes one that is free', '0')
    .option('--runs <directory>', 'where the journals of the runs are kept')
    .option('--no-journal', 'record nothing')
    .option('--page <directory>', 'serve a page that was built elsewhere')
    .option('--open', 'open it in your browser')
    .option('--json', 'one JSON object a line')
    .action((options: ServeOptions) =>
      finish(context, async () => {
        // Nobody else's start waits for the server and the service.
        const { serveConsole } = await import('./serveConsole.ts');
        return serveConsole(context, options);
      }),
    );
};
