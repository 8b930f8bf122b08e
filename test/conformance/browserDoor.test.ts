import { openService } from '../service/desk.ts';
import { openLink, openTestDoor } from '../door/wire.ts';
import { transportSuite } from './transportSuite.ts';

transportSuite('a WebSocket', async () => {
  const service = openService();
  const started = await service.start();
  if (!started.ok) throw new Error(started.error.message);
  const door = await openTestDoor({ service });
  return {
    connect: async () => (await openLink(door)).connection,
    close: async () => {
      await door.close();
      await service.close();
    },
  };
});
