import { defaultLimits } from '../../src-main/door/attendSocket.ts';
import { openLink, openTestDoor } from '../door/wire.ts';
import { emptyDirectory, openService } from '../service/desk.ts';
import { badInputSuite } from './badInputSuite.ts';
import { transportSuite } from './transportSuite.ts';

transportSuite('a WebSocket', async () => {
  const service = openService();
  const started = await service.start();
  if (!started.ok) throw new Error(started.error.message);
  const door = await openTestDoor({ service });
  return {
    carriesProto: true,
    connect: async () => (await openLink(door)).connection,
    close: async () => {
      await door.close();
      await service.close();
    },
  };
});

badInputSuite('a WebSocket', async () => {
  const runs = emptyDirectory();
  const service = openService({ runs });
  // Faster than a viewer may be, for the sake of the test's time.
  const rate = { perSecond: 1_000_000, burst: 1_000_000 };
  const door = await openTestDoor({ service, limits: { ...defaultLimits, rate } });
  const { connection } = await openLink(door);
  return {
    runs,
    carriesProto: true,
    connect: () => Promise.resolve(connection),
    answers: async (command, inputs) => {
      const results = await Promise.all(
        inputs.map((input) => connection.execute(command, JSON.parse(input))),
      );
      return results.map((result) => (result.ok ? 'ok' : result.error.code));
    },
    close: async () => {
      await door.close();
      await service.close();
    },
  };
});
