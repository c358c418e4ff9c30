"Labels from folders, names of files and tables: what is read, and what is refused."
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import save_images,some_images
from ssl_course.data.imageset import ImageSet
from ssl_course.data.labels import file_names,mask_labels,split_folders
from ssl_course.utils import InputError

@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch): monkeypatch.setenv('SSL_COURSE_HOME', str(tmp_path/'home'))

def test_classes_are_sub_folders_of_the_first_level_in_order(tmp_path):
    for n in ('10/x.png', '9/deep/er/y.png', 'Zebra/z.png', 'ape/a.png'):
        (tmp_path/'f'/n).parent.mkdir(parents=True)
        Image.new('RGB', (9, 9)).save(tmp_path/'f'/n)
    assert ImageSet.from_folder(tmp_path/'f', 8, progress=False).vocab==('10', '9', 'Zebra', 'ape')

def test_labels_from_names(tmp_path):
    s = some_images(6)
    for i,a in enumerate(s.x): Image.fromarray(a).save(tmp_path/f'{s.vocab[s.y[i]]}_dog_{i}.png')
    t = ImageSet.from_folder(tmp_path, 8, labels=r'^(.+)_\d+\.', progress=False)
    assert t.vocab==('a_dog', 'b_dog', 'c_dog') and np.array_equal(t.y, s.y)
    with pytest.raises(InputError, match='6 of 6 file names.*such as a_dog_0.png'): ImageSet.from_folder(tmp_path, 8, labels='(cat)', progress=False)

def test_layouts_that_would_be_misread(tmp_path):
    f = save_images(some_images(), tmp_path/'set'/'train')
    save_images(some_images(seed=1), tmp_path/'set'/'Validation')
    assert split_folders(tmp_path/'set')=={'train': f, 'valid': tmp_path/'set'/'Validation'} and split_folders(f)=={} and split_folders(tmp_path/'no')=={}
    with pytest.raises(InputError, match='parts of a data set and not classes.*train'): ImageSet.from_folder(tmp_path/'set', 8, progress=False)
    assert len(ImageSet.from_folder(tmp_path/'set', 8, labels=False, progress=False))==120
    Image.new('RGB', (8, 8)).save(f/'loose.png')
    with pytest.raises(InputError, match='1 images beside its class folders \\(a, b, c'): ImageSet.from_folder(f, 8, progress=False)

# --- from a table

@pytest.fixture
def table(tmp_path):
    s = some_images()
    save_images(s, tmp_path/'im', flat=True)
    df = pd.DataFrame(dict(id=range(60), split=['train', 'val']*30, file=[f'{i:03}.png' for i in range(60)], mean=s.x.mean((1, 2, 3)), count=s.y, animal=[s.vocab[i] for i in s.y]))
    df.to_csv(tmp_path/'labels.csv', index=False)
    return s,df,tmp_path

def test_csv(table):
    s,df,folder = table
    r = ImageSet.from_csv(folder/'labels.csv', 8, ['mean', 'count'], images=folder/'im', progress=False)
    assert r.kind=='regression' and r.vocab==('mean', 'count') and r.name=='labels' and np.allclose(r.y, df[['mean', 'count']]) and np.array_equal(r.x, s.x)
    c = ImageSet.from_csv(df, 8, 'animal', images=folder/'im', progress=False)
    assert c.fingerprint==s.fingerprint
    assert ImageSet.from_csv(df, 8, 'count', images=folder/'im', kind='class', progress=False).vocab==('0', '1', '2')
    half = ImageSet.from_csv(df[df.split=='val'], 8, 'animal', images=folder/'im', file_col='file', progress=False)
    assert half.fingerprint==s.take(slice(1, None, 2)).fingerprint
    assert ImageSet.from_csv(df, 8, images=folder/'im', progress=False).kind=='unlabeled'

def test_csv_keeps_targets_with_their_pictures_when_files_are_missing(table, capsys):
    s,df,folder = table
    (folder/'im'/'003.png').unlink()
    t = ImageSet.from_csv(df, 8, 'mean', images=folder/'im', progress=False)
    assert t.failures==[('003.png', 'no such file')] and np.allclose(t.y[:, 0], df['mean'].drop(3))
    assert '003.png: no such file' in capsys.readouterr().out

def test_csv_errors(table):
    s,df,folder = table
    def bad(match, csv=df, *args, **kwargs):
        with pytest.raises(InputError, match=match): ImageSet.from_csv(csv, 8, *args, **{'images': folder/'im', 'progress': False, **kwargs})
    bad('no table', folder/'no.csv')
    bad('no column size; its columns are id, split', df, 'size')
    bad('no column name;', df, 'animal', file_col='name')
    bad('No column of the table names files', df, 'animal', images=folder)
    bad('must name the folder', df, 'animal', images=None)
    bad('no rows', df[:0], 'animal')
    bad('Not all values of animal', df, 'animal', kind='regression')
    bad("there are 2 target columns", df, ['animal', 'split'])
    bad("kind is 'masks'", df, 'animal', kind='masks')
    bad('1 rows of the table have no mean, the first is row 5', df.assign(mean=df['mean'].where(df.id!=4)), 'mean')
    (folder/'empty.csv').write_bytes(b'')
    bad("empty.csv can't be read", folder/'empty.csv')
    (folder/'bytes.csv').write_bytes(b'\xff\xfe\x00')
    bad("bytes.csv can't be read", folder/'bytes.csv')

def test_a_column_of_long_texts_is_no_column_of_files(table):
    s,df,folder = table
    df.insert(0, 'boxes', ['[' + '1.5, '*200 + '].png']*60)
    assert len(ImageSet.from_csv(df, 8, images=folder/'im', progress=False))==60

# --- layouts that are recognised

@pytest.mark.parametrize('others', [['test', 'unlabeled'], ['val', 'annotations'], ['car', 'bus']])
def test_once_a_folder_is_called_train_the_others_are_no_classes(others, tmp_path):
    f = save_images(some_images(), tmp_path/'set'/'train')
    for i,o in enumerate(others): save_images(some_images(seed=1+i), tmp_path/'set'/o)
    assert set(split_folders(tmp_path/'set'))-{'train'}==({'test'} if 'test' in others else {'valid'} if 'val' in others else set())
    with pytest.raises(InputError, match=f'not classes.*{f}'): ImageSet.from_folder(tmp_path/'set', 8, progress=False)

@pytest.mark.parametrize('names', [('images', 'labels'), ('JPEGImages', 'Annotations'), ('images', 'masks')])
def test_images_and_their_annotations_are_no_classes(names, tmp_path):
    for i,n in enumerate(names): save_images(some_images(seed=i), tmp_path/'set'/n, flat=True)
    with pytest.raises(InputError, match='not classes.*from_csv'): ImageSet.from_folder(tmp_path/'set', 8, progress=False)

# --- tables as people have them

def test_names_in_a_table_keep_their_zeros_and_may_lack_their_ending(tmp_path):
    s = some_images()
    save_images(s, tmp_path/'im', flat=True)
    df = pd.DataFrame(dict(id=[f'{i:03}' for i in range(60)], animal=[s.vocab[i] for i in s.y]))
    df.to_csv(tmp_path/'labels.csv', index=False)
    t = ImageSet.from_csv(tmp_path/'labels.csv', 8, 'animal', images=tmp_path/'im', progress=False)
    assert t.fingerprint==s.fingerprint and t.names[7]=='007.png'

@pytest.mark.parametrize('sep', list(' ,;|'))
def test_several_tags_in_one_column(sep, tmp_path):
    s = some_images()
    save_images(s, tmp_path/'im', flat=True)
    df = pd.DataFrame(dict(file=[f'{i:03}.png' for i in range(60)], tags=[f'red{sep}round' if i%2 else 'red' for i in range(60)]))
    t = ImageSet.from_csv(df, 8, 'tags', kind='tags', images=tmp_path/'im', progress=False)
    assert t.vocab==('red', 'round') and t.y[:, 0].all() and np.array_equal(t.y[:, 1], np.arange(60)%2==1)
    with pytest.raises(InputError, match='one word in each row.*separated by'): ImageSet.from_csv(df.assign(tags='red'), 8, 'tags', kind='tags', images=tmp_path/'im', progress=False)

def test_a_table_with_a_byte_order_mark(tmp_path):
    save_images(some_images(), tmp_path/'im', flat=True)
    (tmp_path/'l.csv').write_text('file,animal\n000.png,ape\n001.png,bee\n', encoding='utf-8-sig')
    assert ImageSet.from_csv(tmp_path/'l.csv', 8, 'animal', images=tmp_path/'im', progress=False).vocab==('ape', 'bee')

# --- masks

def pictures(folder, names, mode='RGB', value=0, size=(12, 10)):
    for n in names:
        (folder/n).parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, size, value).save(folder/n)

def test_masks_lie_beside_their_images_under_the_same_names(tmp_path):
    "In sub-folders, too, with any ending; codes.txt names the classes; what is missing, double or strange is said"
    pictures(tmp_path/'images', ['a/1.jpg', 'a/2.png', 'b/1.png']), pictures(tmp_path/'masks', ['a/1.png', 'a/2.png'], 'L', 1)
    with pytest.raises(InputError, match='1 of 3 images have no mask.*such as b/1.png'): ImageSet.from_masks(tmp_path, 8, progress=False)
    pictures(tmp_path/'masks', ['b/1.tif'], 'L', 2)
    s = ImageSet.from_masks(tmp_path, 8, progress=False)
    assert s.vocab==('0', '1', '2') and [m.max() for m in s.y]==[1, 1, 2] and s.kind=='mask'
    (tmp_path/'codes.txt').write_text('sky\ntree\nhouse\n\n')
    assert ImageSet.from_masks(tmp_path, 8, progress=False).vocab==('sky', 'tree', 'house')
    pictures(tmp_path/'masks', ['b/1.png'], 'L', 2)
    with pytest.raises(InputError, match='two masks b/1'): ImageSet.from_masks(tmp_path, 8, progress=False)
    (tmp_path/'masks').rename(tmp_path/'other')
    with pytest.raises(InputError, match='sub-folder `masks`.*it holds home, images, other'): ImageSet.from_masks(tmp_path, 8, progress=False)
    with pytest.raises(InputError, match='it holds neither'): ImageSet.from_masks(tmp_path/'nowhere')

def test_masks_that_were_blurred_are_refused(tmp_path):
    with pytest.raises(InputError, match='JPEG'): mask_labels(np.arange(256, dtype=np.uint8).reshape(1, 16, 16))

def test_a_mask_has_the_size_of_its_image(tmp_path):
    pictures(tmp_path/'images', ['1.png', '2.png']), pictures(tmp_path/'masks', ['1.png'], 'L'), pictures(tmp_path/'masks', ['2.png'], 'L', size=(10, 12))
    with pytest.raises(InputError, match='masks/2.png.*10×12 pixels, and its image has 12×10'): ImageSet.from_masks(tmp_path, 8, progress=False)

def test_arrays_count_last_when_a_table_leaves_out_the_ending(tmp_path):
    for n in ('1.npy', '2.npy'): np.save(tmp_path/n, np.zeros((9, 9, 3), np.uint8))
    pictures(tmp_path, ['1.png'])
    assert file_names(tmp_path, ['1', '2'])==['1.png', '2.npy']
