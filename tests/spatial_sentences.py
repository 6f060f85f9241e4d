"""Sentences in the patterns of VSR, NLVR, NLVR2 and referring expressions, each with its form as `str` shows it.

All are written anew in these patterns. A form stands indented below its sentence; all were checked by hand.
"""

_TABLE = """
The cat is behind the laptop.
    the(cat): behind(the(laptop))
The cow is ahead of the person.
    the(cow): ahead_of(the(person))
The horse is left of the person.
    the(horse): left_of(the(person))
The person is parallel to the bench
    the(person): parallel_to(the(bench))
The bus is at the edge of the road.
    the(bus): at_edge_of(the(road))
The cake is at the edge of the dining table.
    the(cake): at_edge_of(the(dining table))
The teddy bear is facing away from the cat.
    the(teddy bear): facing_away_from(the(cat))
The fire hydrant is at the right side of the potted plant.
    the(fire hydrant): right_of(the(potted plant))
The hot dog is in the person.
    the(hot dog): inside(the(person))
The dog is inside of the suitcase
    the(dog): inside(the(suitcase))
The pizza contains the oven.
    the(pizza): contains(the(oven))
The train consists of the bench.
    the(train): consists_of(the(bench))
The bed has the teddy bear as a part.
    the(bed): has_part(the(teddy bear))
The bed has as a part the pillow.
    the(bed): has_part(the(pillow))
The wheel is part of the bicycle.
    the(wheel): part_of(the(bicycle))
The cat is among the books.
    the(cat): among(the(book+))
The bird is congruent with the kite.
    the(bird): congruent_with(the(kite))
The cup is between the chair.
    the(cup): between(the(chair))
The boat is down from the bridge.
    the(boat): down_from(the(bridge))
The bicycle is past the truck.
    the(bicycle): past(the(truck))
The person is off the skateboard.
    the(person): off(the(skateboard))
The cat is into the box.
    the(cat): into(the(box))
The truck is across from the bench.
    the(truck): opposite(the(bench))
The person is touching the sandwich.
    the(person): touching(the(sandwich))
The cat is out of the bowl.
    the(cat): out_of(the(bowl))
the sheep are around the person
    the(sheep+): around(the(person))
The bowl is enclosed by the oven.
    the(bowl): surrounded_by(the(oven))
The couch is far away from the tv.
    the(couch): far_from(the(tv))
The keyboard is at the back of the dog.
    the(keyboard): at_back_of(the(dog))
The cat is with the dog.
    the(cat): with(the(dog))
The cat is against the wall.
    the(cat): against(the(wall))
There is exactly one black triangle not touching any edge.
    exists exactly 1(black triangle, not touching(any(edge)))
There are exactly three circles touching the wall.
    exists exactly 3(circle+, touching(the(wall)))
There is a tower with exactly two yellow blocks.
    exists a(tower, with(exactly 2(yellow block+)))
There is a box with two triangles of the same colour touching each other.
    exists a(box, with(count 2(triangle+, same colour(each other), touching(each other))))
There are two towers with at least one block with the same colour on the base.
    exists count 2(tower+, with(at_least 1(block, same colour(each other), on(the(base)))))
Each grey box contains at least one yellow object touching the edge.
    all(grey box+): contains(at_least 1(yellow object, touching(the(edge))))
There is a black square touching the wall with a blue square right on top of it.
    exists a(black square, touching(the(wall, with(a(blue square, directly on_top_of(it))))))
one of the grey squares has exactly four objects
    count 1(grey square): has(exactly 4(object+))
There is 1 tower with 1 yellow block at the top
    exists count 1(tower, with(count 1(yellow block, at_top)))
There is at least one black block on a blue block.
    exists at_least 1(black block, on(a(blue block)))
there is at least one tower which has a yellow block above a black block
    exists at_least 1(tower, has(a(yellow block, above(a(black block)))))
There is a blue block on top of another blue block.
    exists a(blue block, on_top_of(a(other blue block)))
There is at most one yellow item closely touching the bottom of a box.
    exists at_most 1(yellow item, touching(the(bottom, of(a(box)))))
All towers have a yellow block.
    all(tower+): has(a(yellow block))
There is a box with no blue items.
    exists a(box, with(no(blue item+)))
There are no yellow items that are not touching a wall.
    exists no(yellow item+, not touching(a(wall)))
There is no blue block above the black block.
    exists no(blue block, above(the(black block)))
There are 2 boxes with a black circle and a yellow square.
    exists count 2(box+, with({a(black circle) and a(yellow square)}))
All the small circles are above the big triangle.
    all(small circle+): above(the(big triangle))
The image shows exactly two dogs.
    exists exactly 2(dog+)
There are at least two dogs in the image.
    exists at_least 2(dog+)
At least two dogs are standing.
    at_least 2(dog+): standing
One dog is lying on the ground and the other dog is sitting.
    (count 1(dog): (lying and on(the(ground))) and the(other dog): sitting)
There are more dogs than cats.
    more(bare(dog+), bare(cat+))
There are two more mugs than plates.
    more by 2(bare(mug+), bare(plate+))
There are as many forks as knives.
    equal(bare(fork+), bare(knife+))
the number of mugs is three
    exists exactly 3(mug+)
Every mug is on a plate.
    all(mug+): on(a(plate))
No cup is to the left of both plates.
    no(cup): left_of(all 2(plate+))
Neither cup is on the tray.
    no(cup): on(the(tray))
Not all mugs are red.
    not all(mug+): red
The mug is not left of the plate.
    the(mug): not left_of(the(plate))
The mug isn't red or blue.
    the(mug): not (red or blue)
The mug is neither on the tray nor near the bowl.
    the(mug): (not on(the(tray)) and not near(the(bowl)))
Neither the mug nor the plate is red.
    {the(mug) and the(plate)}: not red
The mug is red and the plate is blue.
    (the(mug): red and the(plate): blue)
The mug and the plate are on the tray.
    {the(mug) and the(plate)}: on(the(tray))
The mug, the plate and the bowl are on the tray.
    {the(mug) and the(plate) and the(bowl)}: on(the(tray))
The mug or the plate is on the tray.
    {the(mug) or the(plate)}: on(the(tray))
The mug is near the plate and the bowl and the cat is red.
    (the(mug): near({the(plate) and the(bowl)}) and the(cat): red)
The mug on the plate and the bowl are red.
    {the(mug, on(the(plate))) and the(bowl)}: red
The mug is on the plate near the bowl.
    the(mug): on(the(plate, near(the(bowl))))
The mug that is on the plate is red.
    the(mug, on(the(plate))): red
The mug that is red and on the plate is near the bowl.
    the(mug, (red and on(the(plate)))): near(the(bowl))
the mug that isn't on the plate that is on the tray is red
    the(mug, not on(the(plate, on(the(tray))))): red
The mug is between the plate and the bowl.
    the(mug): between(the(plate), the(bowl))
The mug is between the two plates.
    the(mug): between(the 2(plate+))
The second mug from the left is red.
    the(mug, pick leftmost 2): red
The mug second from the left is red.
    the(mug, pick leftmost 2): red
The leftmost mug is on the tray.
    the(mug, pick leftmost): on(the(tray))
The largest plate is below the shelf.
    the(plate, pick largest): below(the(shelf))
The mug nearest to the toaster is red.
    the(mug, pick nearest the(toaster)): red
The nearest mug to the toaster is red.
    the(mug, pick nearest the(toaster)): red
The closest plate is red.
    the(plate, pick nearest): red
The red mug is the leftmost object.
    the(red mug): is the(object, pick leftmost)
The mug is leftmost.
    the(mug): is the(one, pick leftmost)
The red mug is the second from the right.
    the(red mug): is the(one, pick rightmost 2)
From the mug's point of view, the plate is on the left.
    the(plate): at_left[the(mug)]
The plate is left of the toaster from the cat's point of view.
    the(plate): left_of[the(cat)](the(toaster))
From the viewer's point of view the plate is behind the mug.
    the(plate): behind[viewer](the(mug))
The plate is on the mug's left.
    the(plate): left_of[intrinsic](the(mug))
The plate is to the person's right side.
    the(plate): right_of[intrinsic](the(person))
The toaster has a mug on its left.
    the(toaster): has(a(mug, left_of[intrinsic](it)))
To the left of the mug there is a plate.
    exists a(plate, left_of(the(mug)))
On the tray are two mugs.
    count 2(mug+): on(the(tray))
The mug is above and to the left of the plate.
    the(mug): (above(the(plate)) and left_of(the(plate)))
The mug is on or under the table.
    the(mug): (on(the(table)) or under(the(table)))
The mug is the same colour as the plate.
    the(mug): same colour(the(plate))
The mug and the plate are the same size.
    {the(mug) and the(plate)}: same size(each other)
The mugs have different colours.
    the(mug+): different colour(each other)
The mug has the same shape as the bowl.
    the(mug): same shape(the(bowl))
Two mugs are next to each other.
    count 2(mug+): next_to(each other)
The cat and the dog are facing each other.
    {the(cat) and the(dog)}: facing(each other)
The mugs are touching.
    the(mug+): touching(each other)
The bench and the fence are parallel.
    {the(bench) and the(fence)}: parallel_to(each other)
The mug is larger than the plate.
    the(mug): larger_than(the(plate))
The lamp is taller than the two chairs.
    the(lamp): taller_than(the 2(chair+))
The mug is closer to the toaster than the plate.
    the(mug): closer_than(the(toaster), the(plate))
The mug is closer to the toaster than the plate is.
    the(mug): closer_than(the(toaster), the(plate))
The mug is closer to the toaster than to the plate.
    the(mug): closer_than_to(the(toaster), the(plate))
The cat sits on the mat.
    the(cat): (sitting and on(the(mat)))
The cat is sitting on the mat.
    the(cat): (sitting and on(the(mat)))
A woman standing next to a bike is holding a dog.
    a(woman, (standing and next_to(a(bike)))): holding(a(dog))
The man is riding the horse.
    the(man): riding(the(horse))
The lamp hangs above the table.
    the(lamp): (hanging and above(the(table)))
The mug is located to the right of the bowl.
    the(mug): right_of(the(bowl))
Two mugs can be seen on the tray.
    count 2(mug+): on(the(tray))
The mug is directly above the plate.
    the(mug): directly above(the(plate))
The cup is right next to the kettle.
    the(cup): directly next_to(the(kettle))
The mug is far to the left of the plate.
    the(mug): far left_of(the(plate))
The spoon is partly inside the mug.
    the(spoon): partly inside(the(mug))
The ball is completely inside the box.
    the(ball): fully inside(the(box))
The red and white mug is small.
    the(red white mug): small
The mug's handle is red.
    the(handle, part_of(the(mug))): red
The handle of the mug is on the left.
    the(handle, of(the(mug))): at_left
The dragon is on the onion.
    the(dragon): on(the(onion))
The button is in front of the cupboard.
    the(button): in_front_of(the(cupboard))
THE CUPBOARD IS LEFT OF THE CUP
    the(cupboard): left_of(the(cup))
The mug isn't to the left of the plate, and it is near the bowl.
    (the(mug): not left_of(the(plate)) and it: near(the(bowl)))
It is not true that the mug is red.
    not the(mug): red
It is false that there is a mug on the tray.
    not exists a(mug, on(the(tray)))
Both mugs are on the tray.
    all 2(mug+): on(the(tray))
Both the mug and the plate are on the tray.
    {the(mug) and the(plate)}: on(the(tray))
Most of the mugs are red.
    most(mug+): red
Some mugs are on a red tray.
    some(mug+): on(a(red tray))
Mugs are on the tray.
    bare(mug+): on(the(tray))
Nothing is on the tray.
    no(thing): on(the(tray))
Something is behind the sofa.
    some(thing): behind(the(sofa))
Everything on the tray is red.
    all(thing+, on(the(tray))): red
Someone is standing behind the car.
    some(person): (standing and behind(the(car)))
The mug is in the top left corner.
    the(mug): at_top_left
The mug is on the left.
    the(mug): at_left
The mug is on the left plate.
    the(mug): on(the(plate, pick leftmost))
The mug in the middle is red.
    the(mug, in_centre): red
the mug in the top left corner of the picture is red
    the(mug, at_top_left): red
The top left mug is red.
    the(mug, at_top_left): red
The upper shelf holds two bowls.
    the(upper shelf): contains(count 2(bowl+))
There are two sheep.
    exists count 2(sheep+)
The sheep are behind the fence.
    the(sheep+): behind(the(fence))
The mug doesn't touch the plate.
    the(mug): not touching(the(plate))
The mugs do not touch each other.
    the(mug+): not touching(each other)
The tower blocks the light.
    the(tower): occluding(the(light))
There are three yellow blocks.
    exists count 3(yellow block+)
The mug, which is red, is on the tray.
    the(mug, red): on(the(tray))
The mug is on the tray but not on the plate.
    the(mug): (on(the(tray)) and not on(the(plate)))
The mug is red, small and shiny.
    the(mug): (red and small and shiny)
The light blue mug is very small.
    the(light blue mug): very small
The dog snoozing on the mat is brown.
    the(dog, (snoozing and on(the(mat)))): brown
The only mug is red.
    the(mug): red
A pair of mugs is on the tray.
    count 2(mug+): on(the(tray))
There is a single mug on the tray.
    exists exactly 1(mug, on(the(tray)))
Three or more mugs are on the tray.
    at_least 3(mug+): on(the(tray))
No more than two mugs are on the tray.
    at_most 2(mug+): on(the(tray))
Fewer than three mugs are red.
    at_most 2(mug+): red
The mug without a handle is red.
    the(mug, not with(a(handle))): red
There's a mug on the tray.
    exists a(mug, on(the(tray)))
There aren't any mugs on the tray.
    not exists any(mug+, on(the(tray)))
The mug is on the tray. The plate is on the table.
    (the(mug): on(the(tray)) and the(plate): on(the(table)))
The mug is on the tray; the plate is under it.
    (the(mug): on(the(tray)) and the(plate): under(it))
The mug is either red or blue.
    the(mug): (red or blue)
Two of the mugs are on the tray and one is on the table.
    (count 2(mug+): on(the(tray)) and count 1(one): on(the(table)))
the woman in the red shirt is left of the man with the hat
    the(woman, inside(the(red shirt))): left_of(the(man, with(the(hat))))
the third horse from the right is lying
    the(horse, pick rightmost 3): lying
the person on the far left is tall
    the(person, pick leftmost): tall
The mug is facing left.
    the(mug): facing_left
The cat faces the viewer.
    the(cat): facing_viewer
The kettle with its spout on the left is red.
    the(kettle, spout left): red
The vase without flowers is red.
    the(vase, not with flowers): red
the two mugs left of the toaster are red
    the 2(mug+, left_of(the(toaster))): red
There is nothing on the plate.
    exists no(thing, on(the(plate)))
The cup is in the image.
    exists the(cup)
The dog in the picture is brown.
    the(dog): brown
In the picture, there are two mugs.
    exists count 2(mug+)
the mug is not on the tray or on the plate
    the(mug): not (on(the(tray)) or on(the(plate)))
The mug is not on the tray and it is not red.
    (the(mug): not on(the(tray)) and it: not red)
The plate is under everything.
    the(plate): under(all(thing+))
The mug is on the tray that is near the toaster and the plate is red.
    (the(mug): on(the(tray, near(the(toaster)))) and the(plate): red)
The mug is a red one.
    the(mug): is a(red one)
The animal is a cat or a dog.
    the(animal): (is a(cat) or is a(dog))
The mugs are all red.
    the(mug+): red
Each of the mugs is on a plate.
    all(mug+): on(a(plate))
The tray contains a mug, a plate and two bowls.
    the(tray): contains({a(mug) and a(plate) and count 2(bowl+)})
There are two towers with at least one block with the same colour on the base.
    exists count 2(tower+, with(at_least 1(block, same colour(each other), on(the(base)))))
No cup is to the left of both plates.
    no(cup): left_of(all 2(plate+))
The mug is between the two plates.
    the(mug): between(the 2(plate+))
Both mugs are on the tray.
    all 2(mug+): on(the(tray))
The mug, which is red, is on the tray.
    the(mug, red): on(the(tray))
The light blue mug is very small.
    the(light blue mug): very small
Two of the mugs are on the tray and one is on the table.
    (count 2(mug+): on(the(tray)) and count 1(one): on(the(table)))
The cat faces the viewer.
    the(cat): facing_viewer
the two mugs left of the toaster are red
    the 2(mug+, left_of(the(toaster))): red
The cup is in the image.
    exists the(cup)
The cup isn't in the picture.
    not exists the(cup)
The cat is very close to the dog.
    the(cat): near(the(dog))
The mug is nearest to the toaster.
    the(mug): is the(one, pick nearest the(toaster))
He is on the horse.
    it: on(the(horse))
The picture doesn't show a dog.
    not exists a(dog)
There is a person to the left of the leftmost car.
    exists a(person, left_of(the(car, pick leftmost)))
The number of mugs is at least two.
    exists at_least 2(mug+)
The man's left hand is on the table.
    the(hand, part_of(the(man)), pick leftmost): on(the(table))
The plate is to the left of the man's hand.
    the(plate): left_of(the(hand, part_of(the(man))))
The plates are stacked on the table.
    the(plate+): (stacked and on(the(table)))
There is a stacked plate.
    exists a(stacked plate)
The cat is under the table which is next to the sofa that is behind the lamp.
    the(cat): under(the(table, next_to(the(sofa, behind(the(lamp))))))
Above the plate and left of the mug is a spoon.
    a(spoon): (above(the(plate)) and left_of(the(mug)))
The spoon and fork are parallel to each other.
    {the(spoon) and the(fork)}: parallel_to(each other)
The mug is not touching anything.
    the(mug): not touching(any(thing))
The mug is in front.
    the(mug): in_foreground
The mug's on the tray.
    the(mug): on(the(tray))
It's red.
    it: red
they are on the tray
    it: on(the(tray))
The bus is on the left hand side of the road
    the(bus): left_of(the(road))
A dog and two cats are sitting on the couch, and a bird is above them.
    ({a(dog) and count 2(cat+)}: (sitting and on(the(couch))) and a(bird): above(it))
One of the images shows two dogs.
    count 1(image): showing(count 2(dog+))
"""

_LINES = [line.strip() for line in _TABLE.strip().splitlines()]
SENTENCES = tuple(zip(_LINES[::2], _LINES[1::2], strict=True))
