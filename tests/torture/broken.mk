# Servers with a part of the recovery switched off, which torture must find
# faulty: build/VARIANT/broken/NAME.  What is broken is told by break files,
# most of which the simulation uses too.  Included by GNUmakefile.

BROKEN_FILES := $(sort $(wildcard tests/torture/broken/*) \
	$(addprefix tests/model/sim/break/,in-not-settled tx-not-settled \
	no-replay no-bell-at-takeover move-without-lag))
BROKEN := $(addprefix $(B)/broken/,$(notdir $(BROKEN_FILES)))
BROKEN_ALL := $(call objects,master/main.c $(MASTER_SRC) $(AUTH_SRC) \
	$(WORKER_SRC) $(SHARED_SRC)) $(B)/proxy/page.o

broken_objects = $(patsubst %.c,$(B)/broken-objects/$(notdir $1)/%.o,\
	$(call broken_sources,$1))
broken_sources = $(sort $(shell sed -n 's/^@@ //p' $1))

define broken_rules
$(B)/broken-objects/$(notdir $1)/%.c: %.c $1 tests/model/sim/break.awk
	@mkdir -p $$(@D)
	$$(call say,AWK ,$$@)
	$$(Q)awk -v path=$$< -f tests/model/sim/break.awk $1 $$< >$$@

$(B)/broken-objects/$(notdir $1)/%.o: $(B)/broken-objects/$(notdir $1)/%.c \
		$(B)/flags
	$$(call say,CC  ,$$@)
	$$(Q)$$(COMPILE) -MMD -MP -c -o $$@ $$<

$(B)/broken/$(notdir $1): $(call broken_objects,$1) $(filter-out \
	$(call objects,$(call broken_sources,$1)),$(sort $(BROKEN_ALL))) \
	$(B)/sources
	$$(link)

-include $(patsubst %.o,%.d,$(call broken_objects,$1))
endef

$(foreach b,$(BROKEN_FILES),$(eval $(call broken_rules,$b)))

$(BROKEN): LDLIBS += -lcrypt

.PHONY: broken
broken: $(BROKEN)
