// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio-pci-notify - vfio-pci with an error recovery handshake
 *
 * Gives unpatched kernels the VFIO_PCI_ERR_NOTIFY_IRQ_INDEX handshake of
 * "vfio/pci: add error recovery handshake with userspace" (Keith Busch,
 * linux-pci, 2026-06-09; "the mail" below). Everything else is vfio-pci-core.
 *
 * With default parameters the driver does what the mail does, also where that
 * was found wanting; each repair is a parameter. README.md has the list.
 */

#include <linux/completion.h>
#include <linux/eventfd.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>

/* The mail's VFIO_PCI_ERR_NOTIFY_IRQ_INDEX, which is not in linux/vfio.h. */
#define NOTIFY_IRQ_INDEX	5

static_assert(VFIO_PCI_NUM_IRQS == NOTIFY_IRQ_INDEX,
	      "vfio-pci of this kernel uses interrupt index 5 itself");

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define notify_eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#else
#define notify_eventfd_signal(ctx)	eventfd_signal(ctx)
#endif

static unsigned int ack_timeout_ms = 60000;
module_param(ack_timeout_ms, uint, 0644);
MODULE_PARM_DESC(ack_timeout_ms,
		 "Time user space has to acknowledge an error, in ms (default 60000)");

static bool answer_irq_info;
module_param(answer_irq_info, bool, 0644);
MODULE_PARM_DESC(answer_irq_info,
		 "VFIO_DEVICE_GET_IRQ_INFO knows index 5 (default N: EINVAL)");

static bool refuse_stray_ack;
module_param(refuse_stray_ack, bool, 0644);
MODULE_PARM_DESC(refuse_stray_ack,
		 "An ack that no error waits for fails with ENOMSG (default N: it succeeds)");

static bool perm_failure_final;
module_param(perm_failure_final, bool, 0644);
MODULE_PARM_DESC(perm_failure_final,
		 "A permanent failure is not signalled on index 5 and not waited for (default N)");

static bool close_withdraws;
module_param(close_withdraws, bool, 0644);
MODULE_PARM_DESC(close_withdraws,
		 "Close during a recovery asks for no reset, and the device is restored after one (default N)");

static bool restore_snapshot;
module_param(restore_snapshot, bool, 0644);
MODULE_PARM_DESC(restore_snapshot,
		 "slot_reset restores the state the device had when it was opened (default N)");

/**
 * struct notify_device - one function bound to this driver
 * @core: first the core's part; drvdata points to it, as the core demands
 * @lock: protects all below except @answered. The PCI core calls
 *	error_detected, slot_reset and resume under the device lock, but open,
 *	close and ioctl come without it; and the wait must not hold @lock.
 * @answered: wakes error_detected
 * @trigger: what user space registered at index 5, or NULL; holds a reference
 * @snapshot: state at the last open. The core has one too, but frees it in
 *	close_device, against which slot_reset could not be protected.
 * @waiting: error_detected waits and nobody has answered
 * @vote: the answer
 * @recovering: user space was told of an error and resume was not called yet
 * @opened: between open_device and close_device
 * @restore_owed: closed while @recovering; the reset may have come after it
 */
struct notify_device {
	struct vfio_pci_core_device core;
	struct mutex lock;
	struct completion answered;
	struct eventfd_ctx *trigger;
	struct pci_saved_state *snapshot;
	bool waiting;
	pci_ers_result_t vote;
	bool recovering;
	bool opened;
	bool restore_owed;
};

static struct notify_device *from_vfio(struct vfio_device *vfio)
{
	return container_of(vfio, struct notify_device, core.vdev);
}

static struct notify_device *from_pci(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);

	return container_of(core, struct notify_device, core);
}

static void signal_user(struct notify_device *notify)
{
	lockdep_assert_held(&notify->lock);
	if (notify->trigger)
		notify_eventfd_signal(notify->trigger);
}

static void replace_trigger(struct notify_device *notify,
			    struct eventfd_ctx *trigger)
{
	lockdep_assert_held(&notify->lock);
	if (notify->trigger)
		eventfd_ctx_put(notify->trigger);
	notify->trigger = trigger;
}

/* Ends the wait in error_detected. Returns false if there is none to end. */
static bool answer_wait(struct notify_device *notify, pci_ers_result_t vote)
{
	lockdep_assert_held(&notify->lock);
	if (!notify->waiting)
		return false;
	notify->waiting = false;
	notify->vote = vote;
	complete(&notify->answered);
	return true;
}

/*
 * The mail looks after the wait whether somebody is still registered. To look
 * when the wait is answered is the same without its race against close.
 */
static pci_ers_result_t registered_vote(struct notify_device *notify)
{
	lockdep_assert_held(&notify->lock);
	return notify->trigger ? PCI_ERS_RESULT_NEED_RESET :
				 PCI_ERS_RESULT_CAN_RECOVER;
}

static void restore_to_snapshot(struct notify_device *notify)
{
	struct pci_dev *pdev = notify->core.pdev;

	lockdep_assert_held(&notify->lock);
	if (!notify->snapshot || pm_runtime_resume_and_get(&pdev->dev) < 0) {
		pci_warn(pdev, "cannot restore the state of the last open\n");
		return;
	}
	if (pci_load_saved_state(pdev, notify->snapshot))
		pci_warn(pdev, "the state of the last open does not fit\n");
	else
		pci_restore_state(pdev);
	pm_runtime_put(&pdev->dev);
}

/* As vfio_pci_set_ctx_trigger_single(), which is not exported. */
static int set_trigger(struct notify_device *notify,
		       const struct vfio_irq_set *set, u8 on, s32 fd)
{
	struct eventfd_ctx *trigger;

	switch (set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE:
		if (!notify->trigger)
			return -EINVAL;
		if (set->count)
			signal_user(notify);
		else
			replace_trigger(notify, NULL);
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		if (!set->count)
			return -EINVAL;
		if (on)
			signal_user(notify);
		return 0;
	case VFIO_IRQ_SET_DATA_EVENTFD:
		if (!set->count)
			return -EINVAL;
		if (fd < -1)
			return 0;
		trigger = fd == -1 ? NULL : eventfd_ctx_fdget(fd);
		if (IS_ERR(trigger))
			return PTR_ERR(trigger);
		replace_trigger(notify, trigger);
		return 0;
	default:
		return -EINVAL;
	}
}

static int acknowledge(struct notify_device *notify,
		       const struct vfio_irq_set *set)
{
	if (set->count)
		return -EINVAL;
	if (!answer_wait(notify, registered_vote(notify)) && refuse_stray_ack)
		return -ENOMSG;
	return 0;
}

static long set_irqs(struct notify_device *notify, void __user *arg)
{
	const unsigned long minsz = offsetofend(struct vfio_irq_set, count);
	struct vfio_irq_set set;
	size_t size;
	u8 on = 0;
	s32 fd = -1;
	int ret;

	if (copy_from_user(&set, arg, minsz))
		return -EFAULT;
	if (set.index != NOTIFY_IRQ_INDEX)
		return vfio_pci_core_ioctl(&notify->core.vdev,
					   VFIO_DEVICE_SET_IRQS,
					   (unsigned long)arg);

	ret = vfio_set_irqs_validate_and_prepare(&set,
						 pci_is_pcie(notify->core.pdev),
						 NOTIFY_IRQ_INDEX + 1, &size);
	if (ret)
		return ret;
	if (size == sizeof(on) && copy_from_user(&on, arg + minsz, sizeof(on)))
		return -EFAULT;
	if (size == sizeof(fd) && copy_from_user(&fd, arg + minsz, sizeof(fd)))
		return -EFAULT;

	mutex_lock(&notify->lock);
	switch (set.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) {
	case VFIO_IRQ_SET_ACTION_TRIGGER:
		ret = set_trigger(notify, &set, on, fd);
		break;
	case VFIO_IRQ_SET_ACTION_UNMASK:
		ret = acknowledge(notify, &set);
		break;
	default:
		ret = -ENOTTY;
	}
	mutex_unlock(&notify->lock);
	return ret;
}

static long get_info(struct notify_device *notify,
		     struct vfio_device_info __user *arg)
{
	long ret = vfio_pci_core_ioctl(&notify->core.vdev, VFIO_DEVICE_GET_INFO,
				       (unsigned long)arg);

	if (!ret && put_user((u32)NOTIFY_IRQ_INDEX + 1, &arg->num_irqs))
		return -EFAULT;
	return ret;
}

static long get_irq_info(struct notify_device *notify,
			 struct vfio_irq_info __user *arg)
{
	const unsigned long minsz = offsetofend(struct vfio_irq_info, count);
	struct vfio_irq_info info;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.index != NOTIFY_IRQ_INDEX || !answer_irq_info)
		return vfio_pci_core_ioctl(&notify->core.vdev,
					   VFIO_DEVICE_GET_IRQ_INFO,
					   (unsigned long)arg);
	if (info.argsz < minsz || !pci_is_pcie(notify->core.pdev))
		return -EINVAL;

	/* As the core says of VFIO_PCI_ERR_IRQ_INDEX. */
	info.flags = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE;
	info.count = 1;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

static long notify_ioctl(struct vfio_device *vfio, unsigned int cmd,
			 unsigned long arg)
{
	struct notify_device *notify = from_vfio(vfio);

	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return get_info(notify, (void __user *)arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return get_irq_info(notify, (void __user *)arg);
	case VFIO_DEVICE_SET_IRQS:
		return set_irqs(notify, (void __user *)arg);
	default:
		return vfio_pci_core_ioctl(vfio, cmd, arg);
	}
}

static int notify_init(struct vfio_device *vfio)
{
	struct notify_device *notify = from_vfio(vfio);

	mutex_init(&notify->lock);
	init_completion(&notify->answered);
	return vfio_pci_core_init_dev(vfio);
}

static void notify_release(struct vfio_device *vfio)
{
	struct notify_device *notify = from_vfio(vfio);

	kfree(notify->snapshot);
	mutex_destroy(&notify->lock);
	vfio_pci_core_release_dev(vfio);
}

static int notify_open(struct vfio_device *vfio)
{
	struct notify_device *notify = from_vfio(vfio);
	int ret;

	mutex_lock(&notify->lock);
	if (notify->restore_owed)
		restore_to_snapshot(notify);
	notify->restore_owed = false;
	mutex_unlock(&notify->lock);

	ret = vfio_pci_core_enable(&notify->core);
	if (ret)
		return ret;

	mutex_lock(&notify->lock);
	kfree(notify->snapshot);
	/* vfio_pci_core_enable() has just called pci_save_state(). */
	notify->snapshot = pci_store_saved_state(notify->core.pdev);
	notify->opened = true;
	mutex_unlock(&notify->lock);

	vfio_pci_core_finish_enable(&notify->core);
	return 0;
}

static void notify_close(struct vfio_device *vfio)
{
	struct notify_device *notify = from_vfio(vfio);

	mutex_lock(&notify->lock);
	notify->opened = false;
	mutex_unlock(&notify->lock);

	/* As in the mail, the wait goes on until the device is disabled. */
	vfio_pci_core_close_device(vfio);

	mutex_lock(&notify->lock);
	if (close_withdraws) {
		notify->restore_owed = notify->recovering;
		answer_wait(notify, PCI_ERS_RESULT_CAN_RECOVER);
	} else {
		answer_wait(notify, registered_vote(notify));
	}
	replace_trigger(notify, NULL);
	mutex_unlock(&notify->lock);
}

static const struct vfio_device_ops notify_vfio_ops = {
	.name			= "vfio-pci-notify",
	.init			= notify_init,
	.release		= notify_release,
	.open_device		= notify_open,
	.close_device		= notify_close,
	.ioctl			= notify_ioctl,
	.device_feature		= vfio_pci_core_ioctl_feature,
	.read			= vfio_pci_core_read,
	.write			= vfio_pci_core_write,
	.mmap			= vfio_pci_core_mmap,
	.request		= vfio_pci_core_request,
	.match			= vfio_pci_core_match,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	.bind_iommufd		= vfio_iommufd_physical_bind,
	.unbind_iommufd		= vfio_iommufd_physical_unbind,
	.attach_ioas		= vfio_iommufd_physical_attach_ioas,
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	.detach_ioas		= vfio_iommufd_physical_detach_ioas,
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	.pasid_attach_ioas	= vfio_iommufd_physical_pasid_attach_ioas,
	.pasid_detach_ioas	= vfio_iommufd_physical_pasid_detach_ioas,
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	.match_token_uuid	= vfio_pci_core_match_token_uuid,
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	.get_region_info_caps	= vfio_pci_ioctl_get_region_info,
#endif
};

static pci_ers_result_t notify_error_detected(struct pci_dev *pdev,
					      pci_channel_state_t state)
{
	struct notify_device *notify = from_pci(pdev);
	pci_ers_result_t vote;
	bool timed_out;

	if (state == pci_channel_io_perm_failure && perm_failure_final) {
		/* Index 3 has no second meaning, so it may say this. */
		vfio_pci_core_aer_err_detected(pdev, state);
		return PCI_ERS_RESULT_DISCONNECT;
	}

	mutex_lock(&notify->lock);
	if (!notify->trigger) {
		mutex_unlock(&notify->lock);
		return vfio_pci_core_aer_err_detected(pdev, state);
	}
	reinit_completion(&notify->answered);
	notify->vote = PCI_ERS_RESULT_CAN_RECOVER;
	notify->waiting = true;
	notify->recovering = true;
	signal_user(notify);
	mutex_unlock(&notify->lock);

	wait_for_completion_timeout(&notify->answered,
				    msecs_to_jiffies(ack_timeout_ms));

	/* An answer that came before the lock was told that it is in time. */
	mutex_lock(&notify->lock);
	timed_out = notify->waiting;
	notify->waiting = false;
	vote = notify->vote;
	mutex_unlock(&notify->lock);

	if (timed_out)
		pci_warn(pdev, "vfio error handler timed out waiting for userspace ack\n");
	return vote;
}

static pci_ers_result_t notify_slot_reset(struct pci_dev *pdev)
{
	struct notify_device *notify = from_pci(pdev);

	mutex_lock(&notify->lock);
	if (restore_snapshot && notify->opened)
		restore_to_snapshot(notify);
	signal_user(notify);
	mutex_unlock(&notify->lock);
	return PCI_ERS_RESULT_RECOVERED;
}

/* Not in the mail; does nothing unless close_withdraws left something to do. */
static void notify_resume(struct pci_dev *pdev)
{
	struct notify_device *notify = from_pci(pdev);

	mutex_lock(&notify->lock);
	notify->recovering = false;
	if (notify->restore_owed)
		restore_to_snapshot(notify);
	notify->restore_owed = false;
	mutex_unlock(&notify->lock);
}

static const struct pci_error_handlers notify_error_handlers = {
	.error_detected	= notify_error_detected,
	.slot_reset	= notify_slot_reset,
	.resume		= notify_resume,
};

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
static const struct vfio_pci_device_ops notify_pci_ops = {
	.get_dmabuf_phys	= vfio_pci_core_get_dmabuf_phys,
};
#endif

static int notify_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct notify_device *notify;
	int ret;

	notify = vfio_alloc_device(notify_device, core.vdev, &pdev->dev,
				   &notify_vfio_ops);
	if (IS_ERR(notify))
		return PTR_ERR(notify);

	dev_set_drvdata(&pdev->dev, &notify->core);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	notify->core.pci_ops = &notify_pci_ops;
#endif
	ret = vfio_pci_core_register_device(&notify->core);
	if (ret)
		vfio_put_device(&notify->core.vdev);
	return ret;
}

static void notify_remove(struct pci_dev *pdev)
{
	struct notify_device *notify = from_pci(pdev);

	vfio_pci_core_unregister_device(&notify->core);
	vfio_put_device(&notify->core.vdev);
}

/*
 * Matches every device, but only one whose driver_override names this driver.
 * No MODULE_DEVICE_TABLE: its alias would equal vfio-pci's, and tools that
 * look for the best VFIO driver of a device would have to toss a coin.
 */
static const struct pci_device_id notify_ids[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_ANY_ID, PCI_ANY_ID) },
	{}
};

static struct pci_driver notify_driver = {
	.name			= "vfio-pci-notify",
	.id_table		= notify_ids,
	.probe			= notify_probe,
	.remove			= notify_remove,
	.err_handler		= &notify_error_handlers,
	.driver_managed_dma	= true,
};

module_pci_driver(notify_driver);

MODULE_LICENSE("GPL");
MODULE_VERSION("1.0.0");
MODULE_AUTHOR("Recovery Bench");
MODULE_DESCRIPTION("vfio-pci with an error recovery handshake with user space");
