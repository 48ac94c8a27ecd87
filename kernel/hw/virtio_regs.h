/* SPDX-License-Identifier: MIT */
/*
 * Virtio over PCI (Virtio 1.2, 4.1), transitional devices included.
 */
#pragma once

#include "kernel/base/types.h"

#define VIRTIO_VENDOR	    0x1af4
#define VIRTIO_TRANSITIONAL 0x1000 /* + a number of its own for each of the first devices */
#define VIRTIO_MODERN	    0x1040 /* + the device's number */

enum virtio_id {
	VIRTIO_ID_NETWORK = 1,
	VIRTIO_ID_BLOCK = 2,
	VIRTIO_ID_CONSOLE = 3,
	VIRTIO_ID_ENTROPY = 4,
	VIRTIO_ID_BALLOON = 5,
};

/* Status. */
#define VIRTIO_ACKNOWLEDGE BIT(0)
#define VIRTIO_DRIVER	   BIT(1)
#define VIRTIO_DRIVER_OK   BIT(2)
#define VIRTIO_FEATURES_OK BIT(3)
#define VIRTIO_NEEDS_RESET BIT(6)
#define VIRTIO_FAILED	   BIT(7)

/* Features that all have. */
#define VIRTIO_F_ANY_LAYOUT  BIT64(27) /* before 1.0 */
#define VIRTIO_F_INDIRECT    BIT64(28)
#define VIRTIO_F_EVENT_INDEX BIT64(29)
#define VIRTIO_F_VERSION_1   BIT64(32)

/* Interrupt status. */
#define VIRTIO_ISR_QUEUE  BIT(0)
#define VIRTIO_ISR_CONFIG BIT(1)
#define VIRTIO_NO_VECTOR  0xffffu

/* Types of capabilities: vendor id(8) next(8) length(8) type(8) bar(8) id(8) 0(16) offset(32)
 * length(32); the notification's has a multiplier(32) behind, the access window's data(32). */
enum virtio_cap {
	VIRTIO_CAP_COMMON = 1,
	VIRTIO_CAP_NOTIFY,
	VIRTIO_CAP_ISR,
	VIRTIO_CAP_DEVICE,
	VIRTIO_CAP_WINDOW
};

/* Registers before 1.0, in I/O space. With MSI-X on, two vectors are before the device's. */
#define VIRTIO_OLD_FEATURES	 0
#define VIRTIO_OLD_DRIVER	 4
#define VIRTIO_OLD_QUEUE_PAGE	 8
#define VIRTIO_OLD_QUEUE_SIZE	 12
#define VIRTIO_OLD_QUEUE_SELECT	 14
#define VIRTIO_OLD_NOTIFY	 16
#define VIRTIO_OLD_STATUS	 18
#define VIRTIO_OLD_ISR		 19
#define VIRTIO_OLD_CONFIG	 20
#define VIRTIO_OLD_CONFIG_VECTOR 20
#define VIRTIO_OLD_QUEUE_VECTOR	 22
#define VIRTIO_OLD_CONFIG_MSIX	 24
#define VIRTIO_OLD_ALIGN	 4096u /* of the used ring, and the unit of QUEUE_PAGE */

/* The common configuration of 1.0. */
#define VIRTIO_FEATURE_SELECT 0
#define VIRTIO_FEATURE	      4
#define VIRTIO_DRIVER_SELECT  8
#define VIRTIO_DRIVER_FEATURE 12
#define VIRTIO_CONFIG_VECTOR  16
#define VIRTIO_QUEUES	      18
#define VIRTIO_STATUS	      20
#define VIRTIO_GENERATION     21
#define VIRTIO_QUEUE_SELECT   22
#define VIRTIO_QUEUE_SIZE     24
#define VIRTIO_QUEUE_VECTOR   26
#define VIRTIO_QUEUE_ENABLE   28
#define VIRTIO_QUEUE_NOTIFY   30
#define VIRTIO_QUEUE_TABLE    32
#define VIRTIO_QUEUE_DRIVER   40
#define VIRTIO_QUEUE_DEVICE   48
#define VIRTIO_COMMON_SIZE    56
