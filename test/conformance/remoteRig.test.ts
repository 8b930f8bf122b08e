import { profileNames } from '../../src-main/rigs/simulated/kernel/profile.ts';
import { openRemoteCommand } from '../../src-main/rigs/remote/remoteCommand.ts';
import { withAgentBundle } from '../rigs/remote/agentBundle.ts';
import { bench, farEnd, nearEnd } from '../rigs/remote/pair.ts';
import { rigSuite } from './rigSuite.ts';

for (const name of profileNames) {
  rigSuite(`remote, over an agent in this process with simulated:${name}`, async () => {
    const { agent, connect } = farEnd(name);
    const rig = await nearEnd(connect().near);
    const close = rig.close.bind(rig);
    rig.close = async () => {
      await close();
      await agent.close();
    };
    return rig;
  });
}

const { command } = withAgentBundle();
rigSuite('remote, over the bundled agent with simulated:notify-7.2', async () => {
  const opened = await openRemoteCommand({
    commandLine: `${command} --simulated notify-7.2 --speed 50`,
    bench,
    log: () => undefined,
  });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
});
