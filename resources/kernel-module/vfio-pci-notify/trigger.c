// SPDX-License-Identifier: GPL-2.0-only
/* The eventfd that user space registered at index 5. */

#include <linux/eventfd.h>
#include <linux/version.h>

#include "notify.h"

void notify_signal(struct notify_device *notify)
{
	lockdep_assert_held(&notify->lock);
	if (!notify->trigger)
		return;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	eventfd_signal(notify->trigger, 1);
#else
	eventfd_signal(notify->trigger);
#endif
}

void notify_replace_trigger(struct notify_device *notify,
			    struct eventfd_ctx *trigger)
{
	lockdep_assert_held(&notify->lock);
	if (notify->trigger)
		eventfd_ctx_put(notify->trigger);
	notify->trigger = trigger;
}
