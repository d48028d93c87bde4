A host that flaps is damped, and then it really dies: that is found and recovered from as fast as ever.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 10s: fault agent-lost h1 for 20s
at 70s: fault agent-lost h1 for 20s
at 130s: fault agent-lost h1 for 20s
at 200s: fault host-power-loss h1
run until quiet
expect web runs elsewhere with a newer epoch; web starts elsewhere after 200s; web starts elsewhere before 215s
expect h1 fenced by 215s; alarm host-dead on h1; no other alarm
