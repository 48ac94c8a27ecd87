/* SPDX-License-Identifier: MIT */
/*
 * Names of networks are words: nobody declares them, and cards with the same one are connected.
 */
#include "vmm/load/config_net.h"

#include "kernel/base/string.h"

#define WORD 32u

int config_net_find(const char *key)
{
	bool is = !strncmp(key, "net", 3) && key[3] >= '0' && key[3] < '0' + (char)NIC_PLACES &&
		  !key[4];

	return is ? key[3] - '0' : -1;
}

/* Six bytes in hexadecimal with colons between. The lowest bit of the first says that it is for
 * many, which no card is (802.3, 3.2.3). */
static bool parse_mac(const char *text, u8 *mac)
{
	u8 all = 0;

	for (unsigned i = 0; i < NIC_MAC; i++, text += 3) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i < NIC_MAC - 1 ? ':' : '\0'))
			return false;
		mac[i] = (u8)(high << 4 | low);
		all |= mac[i];
	}
	return all && !(mac[0] & 1);
}

static const char *parse_card(const char *word, struct nic *nic)
{
	static const struct {
		const char *name;
		enum nic_kind kind;
	} cards[] = { { "ne2000", NIC_NE2000 },
		      { "ne2000-isa", NIC_NE2000_ISA },
		      { "virtio", NIC_VIRTIO } };

	for (unsigned i = 0; i < ARRAY_SIZE(cards); i++) {
		if (strcmp(word, cards[i].name))
			continue;
		nic->kind = cards[i].kind;
		return NULL;
	}
	return "card is ne2000, ne2000-isa or virtio";
}

static const char *parse_option(struct nic *nic, const char *word)
{
	if (!strncmp(word, "card=", 5))
		return parse_card(word + 5, nic);
	if (strncmp(word, "mac=", 4))
		return "behind a comma only card= or mac= can stand";
	return parse_mac(word + 4, nic->mac)
		       ? NULL
		       : "mac is a card's address of six bytes, as 52:4c:00:00:00:01";
}

/* The text up to the next comma; NULL: it is too long or empty. *at moves behind the comma, to NULL
 * at the end. */
static const char *next_word(const char **at, char *word)
{
	const char *comma = strchr(*at, ',');
	size_t n = comma ? (size_t)(comma - *at) : strlen(*at);

	if (!n || n >= WORD)
		return NULL;
	memcpy(word, *at, n);
	word[n] = '\0';
	*at = comma ? comma + 1 : NULL;
	return word;
}

static bool is_word(const char *s)
{
	while (*s > ' ' && *s < 0x7f)
		s++;
	return !*s;
}

const char *config_net_parse(struct config_net *n, unsigned place, const char *value)
{
	char word[WORD];
	const char *why;

	*n = (struct config_net){ .nic.kind = NIC_NE2000 };
	if (!next_word(&value, word) || !is_word(word))
		return "not the name of a network: 1 to 31 characters (ASCII), no space";
	str_copy(n->network, word, CONFIG_NET_NAME);
	while (value) {
		if (!next_word(&value, word))
			return "behind a comma only card= or mac= can stand";
		why = parse_option(&n->nic, word);
		if (why)
			return why;
	}
	if (n->nic.kind == NIC_NE2000_ISA && place)
		return "only net0 can be on ISA";
	return NULL;
}

int config_net_first_pci(const struct config_net *nets)
{
	for (int i = 0; i < (int)NIC_PLACES; i++)
		if (nets[i].nic.kind == NIC_VIRTIO || nets[i].nic.kind == NIC_NE2000)
			return i;
	return -1;
}

static bool same(const struct config_net *a, const struct config_net *b)
{
	static const u8 none[NIC_MAC];

	return a->nic.kind != NIC_NONE && b->nic.kind != NIC_NONE &&
	       !strcmp(a->network, b->network) && memcmp(a->nic.mac, none, NIC_MAC) &&
	       !memcmp(a->nic.mac, b->nic.mac, NIC_MAC);
}

bool config_nets_clash(const struct config_net *nets, const struct config_net *others)
{
	for (unsigned i = 0; i < NIC_PLACES; i++)
		for (unsigned k = 0; k < NIC_PLACES; k++)
			if (&nets[i] != &others[k] && same(&nets[i], &others[k]))
				return true;
	return false;
}
