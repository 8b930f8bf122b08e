import { profileNames } from '../../src-main/rigs/simulated/kernel/profile.ts';
import { farEnd, nearEnd } from '../rigs/remote/pair.ts';
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
