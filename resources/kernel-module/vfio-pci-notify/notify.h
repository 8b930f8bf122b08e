/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfio-pci-notify - vfio-pci with an error recovery handshake
 *
 * Gives unpatched kernels the VFIO_PCI_ERR_NOTIFY_IRQ_INDEX handshake of
 * "vfio/pci: add error recovery handshake with userspace" (Keith Busch,
 * linux-pci, 2026-06-09; "the mail" in all comments). With its parameters at
 * their defaults the driver does what the mail does, also where that was found
 * wanting; README.md has the list.
 */

#ifndef VFIO_PCI_NOTIFY_H
#define VFIO_PCI_NOTIFY_H

#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>

/* The mail's VFIO_PCI_ERR_NOTIFY_IRQ_INDEX, which linux/vfio.h does not have. */
#define NOTIFY_IRQ_INDEX	5

static_assert(VFIO_PCI_NUM_IRQS == NOTIFY_IRQ_INDEX,
	      "vfio-pci of this kernel uses interrupt index 5 itself");

/**
 * struct notify_device - one function bound to this driver
 * @core: the core's part; drvdata points to it, as the core demands
 * @lock: protects all that follows but @answered. The PCI core calls the error
 *	handlers under the device lock; open, close and ioctl come without it,
 *	as they must while error_detected waits. Not held during the wait.
 * @answered: wakes error_detected
 * @trigger: what user space registered at index 5, or NULL; holds a reference
 * @waiting: error_detected waits and nobody has answered
 * @vote: the answer
 * @snapshot: the state at the last open. The core has one too, but frees it on
 *	close, from which slot_reset could not protect itself.
 * @opened: set until close_device begins
 * @recovering: user space was told of an error and resume was not called yet
 */
struct notify_device {
	struct vfio_pci_core_device core;
	struct mutex lock;	/* all below but @answered */
	struct completion answered;
	struct eventfd_ctx *trigger;
	bool waiting;
	pci_ers_result_t vote;
	struct pci_saved_state *snapshot;
	bool opened;
	bool recovering;
};

static inline struct notify_device *notify_from_vfio(struct vfio_device *vfio)
{
	return container_of(vfio, struct notify_device, core.vdev);
}

static inline struct notify_device *notify_from_pci(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);

	return container_of(core, struct notify_device, core);
}

/* index.c: what user space asks of index 5 */
long notify_ioctl(struct vfio_device *vfio, unsigned int cmd,
		  unsigned long arg);

/* trigger.c: the eventfd registered at index 5. Both need @lock. */
void notify_signal(struct notify_device *notify);
void notify_replace_trigger(struct notify_device *notify,
			    struct eventfd_ctx *trigger);

/* recovery.c: what the PCI core asks, and what open and close mean to it */
extern const struct pci_error_handlers notify_error_handlers;

bool notify_acknowledge(struct notify_device *notify);
void notify_before_open(struct notify_device *notify);
void notify_after_open(struct notify_device *notify);
void notify_before_close(struct notify_device *notify);
void notify_after_close(struct notify_device *notify);

#endif
