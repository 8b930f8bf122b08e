import type { GuestTopology } from './guestTopology.ts';

/** The file descriptors that QEMU finds open: socket pairs, whose other ends the bench holds. */
export const inherited = { monitor: 3, channel: 4, serial: 5 } as const;

export interface QemuWishes {
  readonly vmlinuz: string;
  readonly initramfs: string;
  readonly commandLine: string;
  readonly topology: GuestTopology;
}

const socketOn = (id: string, descriptor: number): string[] => [
  '-chardev',
  `socket,id=${id},fd=${descriptor}`,
];

/**
 * QEMU's words. `acpi-pci-hotplug-with-bridge-support=off` is not for convenience: with ACPI's hot-plug every reset of
 * a slot fails ("Data Link Layer Link Active not set"); without it the kernel's own pciehp is in charge.
 */
export const qemuLine = ({ vmlinuz, initramfs, commandLine, topology }: QemuWishes): readonly string[] => [
  ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '512'],
  ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
  ...['-kernel', vmlinuz, '-initrd', initramfs, '-append', commandLine],
  ...socketOn('monitor', inherited.monitor),
  ...['-mon', 'chardev=monitor,mode=control'],
  ...socketOn('serial', inherited.serial),
  ...['-serial', 'chardev:serial'],
  ...['-device', 'intel-iommu,intremap=on'],
  ...['-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off'],
  ...['-device', 'virtio-serial-pci,id=serialBus,addr=0x1e'],
  ...socketOn('channel', inherited.channel),
  ...['-device', 'virtserialport,bus=serialBus.0,chardev=channel,name=agent.0'],
  ...topology.words,
];
