A shop needs its application, and that its database. They are on two hosts that die together: each boots when what it
needs serves, wherever that came from.

cluster c1: 4 hosts of 16 cores and 64 GiB
vm db on h1
vm app on h2: dependsOn db
vm shop on h1: dependsOn app

at 10s: fault host-power-loss h1, h2
run until quiet
expect db, app, shop run elsewhere with a newer epoch; app boots after db serves; shop boots after app serves
expect db back within 60s; incident of h1 closed; incident of h2 closed
