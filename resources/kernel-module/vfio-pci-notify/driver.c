// SPDX-License-Identifier: GPL-2.0-only
/* The driver: what it adds to vfio-pci-core, and how it binds. */

#include <linux/module.h>
#include <linux/slab.h>
#include <linux/version.h>

#include "notify.h"

static int init_device(struct vfio_device *vfio)
{
	struct notify_device *notify = notify_from_vfio(vfio);

	mutex_init(&notify->lock);
	init_completion(&notify->answered);
	return vfio_pci_core_init_dev(vfio);
}

static void release_device(struct vfio_device *vfio)
{
	struct notify_device *notify = notify_from_vfio(vfio);

	kfree(notify->snapshot);
	mutex_destroy(&notify->lock);
	vfio_pci_core_release_dev(vfio);
}

static int open_device(struct vfio_device *vfio)
{
	struct notify_device *notify = notify_from_vfio(vfio);
	int ret;

	notify_before_open(notify);
	ret = vfio_pci_core_enable(&notify->core);
	if (ret)
		return ret;
	notify_after_open(notify);
	vfio_pci_core_finish_enable(&notify->core);
	return 0;
}

static void close_device(struct vfio_device *vfio)
{
	struct notify_device *notify = notify_from_vfio(vfio);

	notify_before_close(notify);
	vfio_pci_core_close_device(vfio);
	notify_after_close(notify);
}

static const struct vfio_device_ops vfio_ops = {
	.name			= "vfio-pci-notify",
	.init			= init_device,
	.release		= release_device,
	.open_device		= open_device,
	.close_device		= close_device,
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

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
static const struct vfio_pci_device_ops pci_ops = {
	.get_dmabuf_phys	= vfio_pci_core_get_dmabuf_phys,
};
#endif

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct notify_device *notify;
	int ret;

	notify = vfio_alloc_device(notify_device, core.vdev, &pdev->dev,
				   &vfio_ops);
	if (IS_ERR(notify))
		return PTR_ERR(notify);

	dev_set_drvdata(&pdev->dev, &notify->core);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	notify->core.pci_ops = &pci_ops;
#endif
	ret = vfio_pci_core_register_device(&notify->core);
	if (ret)
		vfio_put_device(&notify->core.vdev);
	return ret;
}

static void remove(struct pci_dev *pdev)
{
	struct notify_device *notify = notify_from_pci(pdev);

	vfio_pci_core_unregister_device(&notify->core);
	vfio_put_device(&notify->core.vdev);
}

/*
 * Matches every function, but only if its driver_override names this driver.
 * There is no MODULE_DEVICE_TABLE: the alias would equal that of vfio-pci, and
 * tools that look for the best VFIO driver of a function would find two.
 */
static const struct pci_device_id ids[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_ANY_ID, PCI_ANY_ID) },
	{}
};

static struct pci_driver notify_driver = {
	.name			= "vfio-pci-notify",
	.id_table		= ids,
	.probe			= probe,
	.remove			= remove,
	.err_handler		= &notify_error_handlers,
	.driver_managed_dma	= true,
};

module_pci_driver(notify_driver);

MODULE_LICENSE("GPL");
MODULE_VERSION("1.0.0");
MODULE_AUTHOR("Recovery Bench");
MODULE_DESCRIPTION("vfio-pci with an error recovery handshake with user space");
