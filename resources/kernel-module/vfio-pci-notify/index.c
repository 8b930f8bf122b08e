// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt index 5 as user space sees it: VFIO_DEVICE_GET_INFO,
 * VFIO_DEVICE_GET_IRQ_INFO and VFIO_DEVICE_SET_IRQS. All else is the core's.
 */

#include <linux/eventfd.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "notify.h"

static bool answer_irq_info;
module_param(answer_irq_info, bool, 0644);
MODULE_PARM_DESC(answer_irq_info,
		 "VFIO_DEVICE_GET_IRQ_INFO knows index 5 (default N: EINVAL)");

static bool refuse_stray_ack;
module_param(refuse_stray_ack, bool, 0644);
MODULE_PARM_DESC(refuse_stray_ack,
		 "An ack no error waits for fails with ENOMSG (default N: it succeeds)");

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
			notify_signal(notify);
		else
			notify_replace_trigger(notify, NULL);
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		if (!set->count)
			return -EINVAL;
		if (on)
			notify_signal(notify);
		return 0;
	case VFIO_IRQ_SET_DATA_EVENTFD:
		if (!set->count)
			return -EINVAL;
		if (fd < -1)
			return 0;
		trigger = fd == -1 ? NULL : eventfd_ctx_fdget(fd);
		if (IS_ERR(trigger))
			return PTR_ERR(trigger);
		notify_replace_trigger(notify, trigger);
		return 0;
	default:
		return -EINVAL;
	}
}

static int set_unmask(struct notify_device *notify,
		      const struct vfio_irq_set *set)
{
	if (set->count)
		return -EINVAL;
	if (!notify_acknowledge(notify) && refuse_stray_ack)
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

	/* Only PCI Express functions have the index, as in the mail. */
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
		ret = set_unmask(notify, &set);
		break;
	default:
		ret = -ENOTTY;
	}
	mutex_unlock(&notify->lock);
	return ret;
}

long notify_ioctl(struct vfio_device *vfio, unsigned int cmd, unsigned long arg)
{
	struct notify_device *notify = notify_from_vfio(vfio);

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
