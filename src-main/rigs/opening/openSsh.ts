import { join } from 'node:path';
import type { Result } from '../../core/result.ts';
import type { SshTarget } from '../../core/ssh/sshTarget.ts';
import type { RemoteRig } from '../remote/remoteRig.ts';
import { openSshRig } from '../ssh/openSshRig.ts';
import { cancellable } from '../virtual/image/runTool.ts';
import { agentIsStale, bundleAgent } from './bundleAgent.ts';
import type { OpeningNeeds } from './openVirtual.ts';

/** Opens the rig of a machine that ssh reaches, with the agent of this bench. */
export const openSsh = (target: SshTarget, needs: OpeningNeeds): Promise<Result<RemoteRig>> => {
  const { places, onProgress, agree, signal } = needs;
  const { root, bench, parts, sshConfig } = places;
  const { agent } = parts.s390x;
  return cancellable(signal, async () => {
    if (agentIsStale(root, agent)) {
      onProgress('bundling the agent');
      const bundled = await bundleAgent(root);
      if (!bundled.ok) return bundled;
    }
    return openSshRig({
      access: { target, config: sshConfig },
      sources: {
        bench,
        agent,
        packages: join(root, 'node_modules'),
        addOnSource: join(root, 'resources/native'),
        addOns: join(root, 'out/native'),
      },
      onProgress,
      agree: agree ?? null,
      signal,
    });
  });
};
