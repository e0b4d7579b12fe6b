//! Sorting with little code. The sorts of the standard library take four to ten kilobytes for each type, and most
//! lists here hold a handful: these sort places, of which there is one type.

use std::cmp::Ordering;

/// Sorts a list. What is equal stays as it stood.
pub(crate) fn sort<T: Ord>(items: &mut Vec<T>) {
    by(items, Ord::cmp);
}

/// Sorts by `compare`. What is equal stays as it stood.
pub(crate) fn by<T>(items: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    let order = order(items.len(), &mut |one, other| match (items.get(one), items.get(other)) {
        (Some(one), Some(other)) => compare(one, other),
        _ => Ordering::Equal,
    });
    arrange(items, &order);
}

/// Sorts by a key, which is made once for each. What is equal stays as it stood.
pub(crate) fn by_key<T, K: Ord>(items: &mut Vec<T>, key: impl FnMut(&T) -> K) {
    let keys: Vec<K> = items.iter().map(key).collect();
    let order = order(keys.len(), &mut |one, other| keys.get(one).cmp(&keys.get(other)));
    arrange(items, &order);
}

/// The places of so many items in their order.
fn order(count: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|one, other| compare(*one, *other));
    places
}

fn arrange<T>(items: &mut Vec<T>, order: &[usize]) {
    if order.is_sorted() {
        return;
    }
    let mut taken: Vec<Option<T>> = items.drain(..).map(Some).collect();
    items.extend(order.iter().filter_map(|place| taken.get_mut(*place)?.take()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_equal_stays_as_it_stood() {
        let mut items = vec![(2, "a"), (1, "b"), (2, "c"), (1, "d"), (0, "e")];
        by_key(&mut items, |item| item.0);
        assert_eq!(items, [(0, "e"), (1, "b"), (1, "d"), (2, "a"), (2, "c")]);
        by(&mut items, |one, other| other.0.cmp(&one.0));
        assert_eq!(items, [(2, "a"), (2, "c"), (1, "b"), (1, "d"), (0, "e")]);
        sort(&mut items);
        assert_eq!(items, [(0, "e"), (1, "b"), (1, "d"), (2, "a"), (2, "c")]);
        let mut none: Vec<String> = Vec::new();
        sort(&mut none);
        assert_eq!(none, [""; 0]);
    }
}
