import { describedKernelOf } from '../../core/restore/describedKernel.ts';
import type { RestoreHistory } from '../../core/restore/history.ts';
import type { WhatIfAnswer } from '../../core/restore/whatIf.ts';
import { failure, success, type Result } from '../../core/result.ts';
import type { DeviceSummary, RigInfo } from '../rig.ts';
import type { FunctionTemplate } from './hardware/functionTemplate.ts';
import { templates } from './hardware/templates.ts';
import type { HistoryAction } from './modelDevice.ts';
import { recoveryActions, whatIf } from './whatIf.ts';

/**
 * What was done to the device until it was read last, without what came of it: a value that was read is held against
 * sources of that moment. What the model does not know is left out.
 */
const actionsOf = ({ events }: RestoreHistory): readonly HistoryAction[] =>
  events
    .slice(0, events.findLastIndex(({ kind }) => kind === 'reading') + 1)
    .flatMap((event): readonly HistoryAction[] => {
      switch (event.kind) {
        case 'reading':
          return event.view === 'hardware' ? [{ kind: 'read', moment: event.moment, views: 'hardware' }] : [];
        case 'ownWrite':
          return [{ kind: 'write', offset: event.offset, width: event.width, value: event.value }];
        case 'deviceReset':
          return [{ kind: 'deviceReset' }];
        case 'recoveryReset':
          return [{ kind: 'recoveryReset' }];
        case 'kernelFeature': {
          const { feature, change } = event;
          return feature === 'resizableBar' || feature === 'vfResizableBar'
            ? []
            : [{ kind: 'feature', feature, change }];
        }
        default:
          return [];
      }
    });

type Looked = Pick<DeviceSummary, 'name' | 'vendorId' | 'deviceId'> & { readonly address: string };

const templateOf = ({ vendorId, deviceId, name }: Looked): FunctionTemplate | undefined => {
  const alike = Object.values(templates).filter(
    (one) => one.vendorId === vendorId && one.deviceId === deviceId && one.kind === 'endpoint',
  );
  return alike.find((one) => one.name === name) ?? alike[0];
};

/**
 * The policies compared for one device of a rig: of a simulated one as it is, of any other on a simulated device with the
 * same ids, where there is one. `history`: of the recovery in question; null, or one without any reset: the usual one.
 */
export const whatIfOf = (
  rig: Pick<RigInfo, 'kind' | 'kernel'> & { readonly architecture: string },
  device: Looked,
  history: RestoreHistory | null,
): Result<WhatIfAnswer> => {
  if (rig.architecture !== 'x86_64') {
    const message = `On ${rig.architecture} the platform recovers, and slot_reset restores nothing: there are no policies to compare.`;
    return failure('notSupported', message);
  }
  const kernel = describedKernelOf(rig.kernel);
  if (kernel === null) {
    return failure('notSupported', `Which steps the kernel "${rig.kernel}" restores with is not known.`);
  }
  const template = templateOf(device);
  if (template === undefined) {
    const ids = [device.vendorId, device.deviceId].map((id) => id.toString(16).padStart(4, '0')).join(':');
    const message = `There is no simulated twin of ${device.address} (${ids}), and a real device takes only the policy of its kernel.`;
    return failure('notSupported', message);
  }
  const recorded = history?.events.some(({ kind }) => kind === 'recoveryReset') === true;
  const actions = recorded && history !== null ? actionsOf(history) : recoveryActions(template);
  return success({
    ...whatIf(template, kernel.version, actions),
    device: template.name,
    playedOn: rig.kind === 'simulated' ? 'itself' : 'twin',
    history: recorded ? 'recorded' : 'usual',
  });
};
