// SPDX-License-Identifier: GPL-2.0-only
/*
 * The recovery of an error: tell user space, wait for its ack, tell it again
 * after the reset.
 */

#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>

#include "notify.h"

static unsigned int ack_timeout_ms = 60000;
module_param(ack_timeout_ms, uint, 0644);
MODULE_PARM_DESC(ack_timeout_ms,
		 "Time user space has to acknowledge an error, in ms (default 60000)");

static bool perm_failure_final;
module_param(perm_failure_final, bool, 0644);
MODULE_PARM_DESC(perm_failure_final,
		 "A permanent failure is neither signalled on index 5 nor waited for (default N)");

static bool close_withdraws;
module_param(close_withdraws, bool, 0644);
MODULE_PARM_DESC(close_withdraws,
		 "Close during the wait votes for no reset; a device closed during a recovery is restored after it (default N)");

static bool restore_snapshot;
module_param(restore_snapshot, bool, 0644);
MODULE_PARM_DESC(restore_snapshot,
		 "slot_reset restores the state the device was opened with (default N)");

/* Ends the wait in error_detected. Returns false if there is none to end. */
static bool answer(struct notify_device *notify, pci_ers_result_t vote)
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
 * Returns false if no error waits for the ack. The mail looks whether somebody
 * is registered when error_detected wakes up; to look here is the same, without
 * a race against the close that may follow.
 */
bool notify_acknowledge(struct notify_device *notify)
{
	return answer(notify, notify->trigger ? PCI_ERS_RESULT_NEED_RESET :
						PCI_ERS_RESULT_CAN_RECOVER);
}

static void restore_state(struct notify_device *notify)
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

static pci_ers_result_t error_detected(struct pci_dev *pdev,
				       pci_channel_state_t state)
{
	struct notify_device *notify = notify_from_pci(pdev);
	pci_ers_result_t vote;
	bool timed_out;

	if (state == pci_channel_io_perm_failure && perm_failure_final) {
		/* Index 3 means nothing but "error", so it may say this. */
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
	notify_signal(notify);
	mutex_unlock(&notify->lock);

	wait_for_completion_timeout(&notify->answered,
				    msecs_to_jiffies(ack_timeout_ms));

	/* An ack that came before this lock was told that it is in time. */
	mutex_lock(&notify->lock);
	timed_out = notify->waiting;
	notify->waiting = false;
	vote = notify->vote;
	mutex_unlock(&notify->lock);

	if (timed_out)
		pci_warn(pdev, "vfio error handler timed out waiting for userspace ack\n");
	return vote;
}

static pci_ers_result_t slot_reset(struct pci_dev *pdev)
{
	struct notify_device *notify = notify_from_pci(pdev);

	mutex_lock(&notify->lock);
	if (restore_snapshot && notify->opened)
		restore_state(notify);
	notify_signal(notify);
	mutex_unlock(&notify->lock);
	return PCI_ERS_RESULT_RECOVERED;
}

/* Not in the mail. The PCI core does not miss it where it is not there. */
static void resume(struct pci_dev *pdev)
{
	struct notify_device *notify = notify_from_pci(pdev);

	mutex_lock(&notify->lock);
	if (close_withdraws && notify->recovering && !notify->opened)
		restore_state(notify);
	notify->recovering = false;
	mutex_unlock(&notify->lock);
}

const struct pci_error_handlers notify_error_handlers = {
	.error_detected	= error_detected,
	.slot_reset	= slot_reset,
	.resume		= resume,
};

void notify_before_open(struct notify_device *notify)
{
	mutex_lock(&notify->lock);
	/* After a recovery that failed, resume is never called. */
	if (close_withdraws && notify->recovering)
		restore_state(notify);
	notify->recovering = false;
	mutex_unlock(&notify->lock);
}

/* vfio_pci_core_enable() has just called pci_save_state(). */
void notify_after_open(struct notify_device *notify)
{
	mutex_lock(&notify->lock);
	kfree(notify->snapshot);
	notify->snapshot = pci_store_saved_state(notify->core.pdev);
	notify->opened = true;
	mutex_unlock(&notify->lock);
}

void notify_before_close(struct notify_device *notify)
{
	mutex_lock(&notify->lock);
	notify->opened = false;
	mutex_unlock(&notify->lock);
}

/* As in the mail the wait goes on until the core has disabled the device. */
void notify_after_close(struct notify_device *notify)
{
	mutex_lock(&notify->lock);
	if (close_withdraws)
		answer(notify, PCI_ERS_RESULT_CAN_RECOVER);
	else
		notify_acknowledge(notify);
	notify_replace_trigger(notify, NULL);
	mutex_unlock(&notify->lock);
}
