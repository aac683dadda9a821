# The broken variants of the code under test: build/VARIANT/sim-NAME for each
# break/NAME, which must be found faulty.  Included by GNUmakefile.

# What the simulation shares with other tests.
SIM_HARNESS := $(call sim_objects,tests/harness/display.c \
	tests/harness/typist.c)
SIM_ALL += $(SIM_HARNESS)
$(B)/sim: $(SIM_HARNESS)

SIM_BREAKS := $(notdir $(sort $(wildcard tests/model/sim/break/*)))
SIM_BROKEN := $(SIM_BREAKS:%=$(B)/sim-%)

$(eval $(call stamp,sim-breaks,SIM_BREAKS))
$(B)/sim-objects/tests/model/sim/main.o: $(B)/sim-breaks
$(B)/sim-objects/tests/model/sim/main.o: SIM_CFLAGS += \
	-DSIM_BREAKS='"$(SIM_BREAKS)"'

break_sources = $(sort $(shell sed -n 's/^@@ //p' tests/model/sim/break/$1))
break_objects = $(patsubst %.c,$(B)/sim-break/$1/%.o,$(call break_sources,$1))

define break_rules
$(B)/sim-break/$1/%.c: %.c tests/model/sim/break/$1 tests/model/sim/break.awk
	@mkdir -p $$(@D)
	$$(call say,AWK ,$$@)
	$$(Q)awk -v path=$$< -f tests/model/sim/break.awk \
	    tests/model/sim/break/$1 $$< >$$@

$(B)/sim-break/$1/%.o: $(B)/sim-break/$1/%.c $(B)/flags $(B)/sim-flags
	$$(call say,CC  ,$$@)
	$$(Q)$$(COMPILE) $$(SIM_CFLAGS) -MMD -MP -c -o $$@ $$<

$(B)/sim-$1: $(call break_objects,$1) $(filter-out \
	$(call sim_objects,$(call break_sources,$1)),$(SIM_ALL)) $(PAGE) $(B)/sources
	$$(link)

-include $(patsubst %.o,%.d,$(call break_objects,$1))
endef

$(foreach b,$(SIM_BREAKS),$(eval $(call break_rules,$b)))
$(SIM_BROKEN): LDFLAGS += $(SIM_LDFLAGS)
$(B)/sim: | $(SIM_BROKEN)
