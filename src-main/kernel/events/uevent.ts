import { parsePciAddress, type PciAddress } from '../../core/pci/address.ts';
import type { RecoveryUevent } from '../../core/recovery/event.ts';

/** What the kernel broadcasts about a PCI function (lib/kobject_uevent.c; drivers/pci/pci-driver.c). */
export type PciUevent = { readonly address: PciAddress } & (
  | { readonly kind: 'recovery'; readonly uevent: RecoveryUevent }
  | { readonly kind: 'added' }
  | { readonly kind: 'removed' }
  | { readonly kind: 'bound'; readonly driver: string }
  | { readonly kind: 'unbound' }
);

/** The values of ERROR_EVENT, pci_uevent_ers(). */
const recoveryUevents: Readonly<Record<string, RecoveryUevent>> = {
  BEGIN_RECOVERY: 'beginRecovery',
  SUCCESSFUL_RECOVERY: 'successfulRecovery',
  FAILED_RECOVERY: 'failedRecovery',
};

const variablesIn = (bytes: Uint8Array): ReadonlyMap<string, string> => {
  // The first string is the header "change@/devices/…"; what udev sends has another header, and another group.
  const [, ...strings] = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('utf8')
    .split('\0');
  return new Map(
    strings.flatMap((text) => {
      const at = text.indexOf('=');
      return at === -1 ? [] : [[text.slice(0, at), text.slice(at + 1)] as const];
    }),
  );
};

/** One message of NETLINK_KOBJECT_UEVENT; null when it is not about a PCI function, or says nothing we know. */
export const parseUevent = (bytes: Uint8Array): PciUevent | null => {
  const variables = variablesIn(bytes);
  if (variables.get('SUBSYSTEM') !== 'pci') return null;
  const name = variables.get('PCI_SLOT_NAME') ?? variables.get('DEVPATH')?.split('/').at(-1) ?? '';
  const parsed = parsePciAddress(name);
  if (!parsed.ok) return null;
  const address = parsed.value;
  switch (variables.get('ACTION')) {
    case 'add':
      return { address, kind: 'added' };
    case 'remove':
      return { address, kind: 'removed' };
    case 'bind':
      return { address, kind: 'bound', driver: variables.get('DRIVER') ?? '' };
    case 'unbind':
      return { address, kind: 'unbound' };
    case 'change': {
      const uevent = recoveryUevents[variables.get('ERROR_EVENT') ?? ''];
      return uevent === undefined ? null : { address, kind: 'recovery', uevent };
    }
    default:
      return null;
  }
};
