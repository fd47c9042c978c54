// SPDX-License-Identifier: GPL-2.0
/*
 * The backend cma: the kernel's contiguous memory allocator, which lends its area to
 * movable pages until somebody asks. cma_alloc() is not exported; the DMA API is, so a
 * platform device is the one who asks. It is made at the first request.
 *
 * Kernel counterpart: drivers that call dma_alloc_pages().
 * Differences: CMA aligns at 1 MiB at most (CONFIG_CMA_ALIGNMENT), so the memory may begin
 * in the middle of 2 MiB, where no huge mapping could.
 *
 * What its area has no room for, the DMA API takes from the page allocator, if it is
 * no larger than 4 MiB; that memory is as good, and called cma here all the same.
 *
 * Where memory is encrypted (confidential guests), the DMA API decrypts what it gives;
 * processes would map it as encrypted. There is no cma then.
 *
 * Locking: machines are made one at a time (mml_machines_lock), so is the device.
 */
#include <linux/cc_platform.h>
#include <linux/dma-mapping.h>
#include <linux/platform_device.h>

#include "mm_lab/backend.h"
#include "mm_lab/compat.h"

static struct platform_device *mml_cma_pdev;

static struct platform_device *mml_cma_register(void)
{
	struct platform_device *pdev;

	pdev = platform_device_register_simple("mm_lab", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pdev))
		return NULL;
	if (!dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64)))
		return pdev;
	platform_device_unregister(pdev);
	return NULL;
}

/* Returns: the device that asks; NULL if it cannot be made. */
static struct device *mml_cma_device(void)
{
	if (!mml_cma_pdev)
		mml_cma_pdev = mml_cma_register();
	return mml_cma_pdev ? &mml_cma_pdev->dev : NULL;
}

static int mml_cma_take(struct mml_slice *slice, unsigned long nr)
{
	struct device *dev;
	dma_addr_t dma;
	struct page *page;

	if (!MML_HAVE_CMA || cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		return -EOPNOTSUPP;
	dev = mml_cma_device();
	if (!dev)
		return -ENOMEM;
	page = dma_alloc_pages(dev, nr << PAGE_SHIFT, &dma, DMA_BIDIRECTIONAL,
			       GFP_KERNEL | __GFP_NOWARN);
	if (!page)
		return -ENOMEM;
	slice->base_pfn = page_to_pfn(page);
	slice->cookie = dma;
	return 0;
}

static void mml_cma_give(struct mml_slice *slice)
{
	dma_free_pages(&mml_cma_pdev->dev, slice->nr << PAGE_SHIFT,
		       pfn_to_page(slice->base_pfn), slice->cookie, DMA_BIDIRECTIONAL);
}

static void mml_cma_refuse(unsigned long nr, bool failed)
{
	if (MML_HAVE_CMA)
		mml_refuse(failed, "asked for %lu KiB of cma, found no room in the kernel's CMA area (free in it: %lu KiB): ask for less, or boot with a larger cma=",
			   mml_kib(nr),
		       mml_kib(global_zone_page_state(NR_FREE_CMA_PAGES)));
	else
		mml_refuse(failed, "asked for %lu KiB of cma, which this kernel does not have (CONFIG_DMA_CMA): boot with reserve_mem=SIZE:2M:%s",
			   mml_kib(nr), mml_reserve_hint());
}

const struct mml_backend_ops mml_cma_backend = {
	.backend = MML_BACKEND_CMA,
	.automatic = true,
	.take = mml_cma_take,
	.give = mml_cma_give,
	.refuse = mml_cma_refuse,
};

/* Context: module exit, after the last machine. */
void mml_cma_exit(void)
{
	if (mml_cma_pdev)
		platform_device_unregister(mml_cma_pdev);
}
