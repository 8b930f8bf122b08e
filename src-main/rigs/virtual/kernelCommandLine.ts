import { failure, success, type Result } from '../../core/result.ts';
import type { GuestArchitecture } from './guestArchitecture.ts';
import type { GuestTopology } from './guestTopology.ts';

/** What the guest does at boot: `resources/rig-images/init` reads it. */
export interface BootWishes {
  readonly topology: GuestTopology;
  readonly driver: 'vfio-pci' | 'vfio-pci-notify';
  /** Of the notify driver's module: `ack_timeout_ms` and its switches. */
  readonly moduleParameters: Readonly<Record<string, string>>;
}

/** No word of the kernel's command line, and no list of `init`, can be broken out of. */
const parameterName = /^[a-z][a-z0-9_]{0,40}$/;
const parameterValue = /^[A-Za-z0-9._+-]{1,40}$/;

/**
 * `intel_iommu=on` and no pass-through: without an IOMMU there is no VFIO. `panic=-1` with QEMU's `-no-reboot`: a guest
 * that panics ends at once. `tsc=reliable` spares a calibration that takes seconds in an emulator. `no_timer_check`:
 * on a busy host the emulated timer is late for the kernel's test of it, and the kernel panics ("timer doesn't work
 * through Interrupt-remapped IO-APIC", arch/x86/kernel/apic/io_apic.c).
 *
 * `--jitless`: in an s390x that QEMU 7.2 emulates, Node with several threads dies of wrong addresses in the code that V8
 * makes at run time (SIGILL, SIGSEGV), with one processor too, in Node 18 and 20; an interpreter alone does not.
 */
const always: Readonly<Record<GuestArchitecture, readonly string[]>> = {
  x86: [
    'console=ttyS0 loglevel=4 panic=-1',
    'intel_iommu=on iommu.passthrough=0 mitigations=off',
    'tsc=reliable no_timer_check',
  ],
  s390x: ['console=ttysclp0 loglevel=4 panic=-1', 'mitigations=off', 'recoverybench.node=--jitless'],
};

export const kernelCommandLine = ({ topology, driver, moduleParameters }: BootWishes): Result<string> => {
  const parameters = Object.entries(moduleParameters);
  for (const [name, value] of parameters) {
    if (!parameterName.test(name) || !parameterValue.test(value)) {
      return failure('malformedInput', `"${name}=${value}" is no parameter of a kernel module.`);
    }
  }
  if (driver === 'vfio-pci-notify' && topology.architecture !== 'x86') {
    return failure(
      'malformedInput',
      `A guest of ${topology.architecture} has no vfio-pci-notify; its driver is vfio-pci.`,
    );
  }
  if (parameters.length > 0 && driver !== 'vfio-pci-notify') {
    return failure('malformedInput', `${driver} takes no parameters; they are those of vfio-pci-notify.`);
  }
  const words = [
    ...always[topology.architecture],
    `recoverybench.devices=${topology.devices.map(({ address }) => address).join(',')}`,
    `recoverybench.driver=${driver}`,
    ...(parameters.length === 0
      ? []
      : [`recoverybench.parameters=${parameters.map(([name, value]) => `${name}=${value}`).join(',')}`]),
  ];
  return success(words.join(' '));
};
