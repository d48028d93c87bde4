A host without any VM dies: it is fenced, and its incident is closed at once.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 10s: fault host-power-loss h3
run until quiet
expect h3 fenced by 25s; incident of h3 closed; web untouched
