import type { GuestArchitecture } from './guestArchitecture.ts';
import type { GuestTopology } from './guestTopology.ts';

/** File descriptors that QEMU finds open: socket pairs, whose other ends the bench holds. */
export const inherited = { monitor: 3, serial: 4 } as const;

/** What QEMU's events call the guest's end of the channel. */
export const agentPort = 'agentPort';

export interface QemuWishes {
  readonly vmlinuz: string;
  readonly initramfs: string;
  readonly commandLine: string;
  readonly topology: GuestTopology;
  /** Where QEMU listens for who wants to talk to the agent; one at a time, one after the other. */
  readonly channelPath: string;
}

const socketOn = (id: string, descriptor: number): string[] => [
  '-chardev',
  `socket,id=${id},fd=${descriptor}`,
];

interface Machine {
  /** QEMU's program. */
  readonly program: string;
  /** The Debian package that brings it. */
  readonly debianPackage: string;
  readonly words: readonly string[];
}

/**
 * `acpi-pci-hotplug-with-bridge-support=off` is not for convenience: with ACPI's hot-plug every reset of
 * a slot fails ("Data Link Layer Link Active not set"); without it the kernel's own pciehp is in charge.
 */
export const machines: Readonly<Record<GuestArchitecture, Machine>> = {
  x86: {
    program: 'qemu-system-x86_64',
    debianPackage: 'qemu-system-x86',
    words: [
      ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '512'],
      ...['-device', 'intel-iommu,intremap=on'],
      ...['-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off'],
      ...['-device', 'virtio-serial-pci,id=serialBus,addr=0x1e'],
    ],
  },
  s390x: {
    program: 'qemu-system-s390x',
    debianPackage: 'qemu-system-misc',
    words: [
      ...['-machine', 's390-ccw-virtio', '-accel', 'tcg,thread=multi', '-cpu', 'max'],
      ...['-smp', '2', '-m', '1024'],
      ...['-device', 'virtio-serial-ccw,id=serialBus'],
    ],
  },
};

/** QEMU's words. */
export const qemuLine = ({
  vmlinuz,
  initramfs,
  commandLine,
  topology,
  channelPath,
}: QemuWishes): readonly string[] => [
  ...machines[topology.architecture].words,
  ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
  ...['-kernel', vmlinuz, '-initrd', initramfs, '-append', commandLine],
  ...socketOn('monitor', inherited.monitor),
  ...['-mon', 'chardev=monitor,mode=control'],
  ...socketOn('serial', inherited.serial),
  ...['-serial', 'chardev:serial'],
  ...['-chardev', `socket,id=channel,path=${channelPath},server=on,wait=off`],
  ...['-device', `virtserialport,id=${agentPort},bus=serialBus.0,chardev=channel,name=agent.0`],
  ...topology.words,
];
