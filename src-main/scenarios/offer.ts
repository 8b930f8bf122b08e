import { done, failure, type Result } from '../core/result.ts';
import type { Rig } from '../rigs/rig.ts';
import { deviceOf } from './aim.ts';
import type { Scenario } from './load.ts';

/**
 * Whether a rig has what a scenario needs, before anything is opened or recorded: every device that it names, and its
 * protocol where it arms a device with it. (An error of a closed device needs none.)
 */
export const checkOffer = async (scenario: Scenario, rig: Rig): Promise<Result<void>> => {
  const listed = await rig.devices();
  if (!listed.ok) return listed;
  const devices = new Map(listed.value.map((device) => [device.address, device]));
  const { steps, lines, device, needs } = scenario;
  /** With another driver a device offers something else, and what that is the scenario knows. */
  const rebound = new Set<string>();
  for (const [index, step] of steps.entries()) {
    const address = deviceOf(step) ?? device;
    const found = devices.get(address);
    if (found === undefined) {
      return failure(
        'unknownAddress',
        `${rig.info.title} has no device ${address}, which step ${index + 1} (${lines[index] ?? ''}) is aimed at.`,
      );
    }
    if (step.kind === 'bind') rebound.add(address);
    if (step.kind !== 'arm' || step.value.protocol !== needs.protocol || rebound.has(address)) continue;
    if (step.value.refused === undefined && !found.protocols.includes(needs.protocol)) {
      const offered = found.protocols.join(', ') || 'none';
      return failure(
        'protocolUnavailable',
        `${address} on ${rig.info.title} does not offer the ${needs.protocol} protocol; it offers ${offered}.`,
      );
    }
  }
  return done;
};
