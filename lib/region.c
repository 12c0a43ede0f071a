#include <ctype.h>
#include <string.h>

#include "lib/region.h"

static const struct { const char *aws, *domain; } regions[] = {
	{ "us-east-1", "mypurecloud.com" },
	{ "us-east-2", "use2.us-gov-pure.cloud" },
	{ "us-west-2", "usw2.pure.cloud" },
	{ "ca-central-1", "cac1.pure.cloud" },
	{ "mx-central-1", "mxc1.pure.cloud" },
	{ "sa-east-1", "sae1.pure.cloud" },
	{ "eu-west-1", "mypurecloud.ie" },
	{ "eu-west-2", "euw2.pure.cloud" },
	{ "eu-central-1", "mypurecloud.de" },
	{ "eu-central-2", "euc2.pure.cloud" },
	{ "eusc-de-east-1", "edee1.eusc-pure.cloud" },
	{ "me-central-1", "mec1.pure.cloud" },
	{ "ap-south-1", "aps1.pure.cloud" },
	{ "ap-southeast-1", "apse1.pure.cloud" },
	{ "ap-southeast-2", "mypurecloud.com.au" },
	{ "ap-northeast-1", "mypurecloud.jp" },
	{ "ap-northeast-2", "apne2.pure.cloud" },
	{ "ap-northeast-3", "apne3.pure.cloud" },
};
#define REGIONS (sizeof(regions) / sizeof(regions[0]))

const char *
region_domain(const char *name)
{
	char plain[64];
	size_t n = 0;

	for (; name[n] != '\0' && n < sizeof(plain) - 1; n++)
		plain[n] = name[n] == '_' ? '-' :
		    (char)tolower((unsigned char)name[n]);
	if (n > 0 && plain[n - 1] == '.')
		n--;
	plain[n] = '\0';
	for (size_t i = 0; i < REGIONS; i++)
		if (strcmp(plain, regions[i].aws) == 0 ||
		    strcmp(plain, regions[i].domain) == 0)
			return regions[i].domain;
	return NULL;
}

void
region_list(struct buf *out)
{
	for (size_t i = 0; i < REGIONS; i++)
		buf_addf(out, " %s", regions[i].domain);
}
