import type { ParsedOf } from '../../../preload/contract/commands.ts';
import { attempt } from '../../coordinator/attempt.ts';
import { bindPreflight, type BindVerdict } from '../../core/faults/bindPreflight.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { failure, success, type BenchError, type Result } from '../../core/result.ts';
import type { HeldRig } from '../heldRig.ts';

export type AskedDriver = ParsedOf<'bind'>['driver'];

/** The driver that was asked for by its name; `previous` is known where the bench has changed it. */
export const namedDriver = (held: HeldRig, device: PciAddress, asked: AskedDriver): Result<string | null> => {
  if (asked !== 'previous') return success(asked);
  const previous = held.previousDrivers.get(device);
  return previous === undefined
    ? failure(
        'malformedInput',
        `The bench has not changed the driver of ${device}; there is nothing to undo.`,
      )
    : success(previous);
};

const refused = (error: BenchError): BindVerdict => ({ refusal: error, warnings: [] });

/**
 * Whether the device may be given to this driver, and what should be known of it; undefined while none was chosen. What
 * only its machine can find out, such as another program that holds the device, is said by the rig when it is tried.
 */
export const driverVerdict = async (
  held: HeldRig,
  device: PciAddress,
  driver: string | null | undefined,
): Promise<BindVerdict> => {
  if (held.waitsFor(device)) {
    return refused(
      failure(
        'waitOpen',
        `The kernel waits for an ack of ${device} and holds its lock: an unbind blocks until that has ended.`,
      ).error,
    );
  }
  const target = await attempt('faultTarget', () => held.rig.faultTarget(device));
  if (!target.ok) return refused(target.error);
  const listed = held.devices.devices.find(({ address }) => address === device);
  const present = listed?.driver ?? null;
  const wanted = driver === undefined ? (present === null ? 'vfio-pci' : null) : driver;
  const { kind, use, usedAs } = target.value;
  const iommuGroup = listed?.iommuGroup ?? null;
  return bindPreflight(
    {
      address: device,
      kind,
      driver: present,
      use,
      ...(usedAs === undefined ? {} : { usedAs }),
      iommuGroup,
      groupMembers: held.devices.devices.flatMap((other) =>
        iommuGroup !== null && other.iommuGroup === iommuGroup && other.address !== device
          ? [{ address: other.address as PciAddress, kind: other.kind, driver: other.driver }]
          : [],
      ),
      virtualFunctions: 0,
      openInBench: held.coordinator.session(device) !== null,
      holders: [],
      drivers: wanted === null ? [] : [wanted],
    },
    wanted,
  );
};
